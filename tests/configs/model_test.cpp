// What a model configuration comes to: the family's defaults, each piece for itself, and the rules between them.

#include <gtest/gtest.h>

#include "configs/yaml/run_config.hpp"
#include "tests/configs/support.hpp"

namespace isobath {
namespace {

using Lines = std::vector<std::string>;

ModelConfig model_of(const std::string& section) {
  return parse_run_config("data: {path: x}\nmodel: " + section + "\n", "a.yaml").config.model;
}

Lines mistakes_of_model(const std::string& section) {
  return test::lines_of(test::issues_of([&] { model_of(section); }));
}

TEST(Family, PaperIsWhatItWas) {
  const ModelConfig model = model_of("{family: paper}");
  EXPECT_EQ(model.position_kind(), Positions::Learned);
  EXPECT_EQ(model.norm_kind(), Norm::LayerNorm);
  EXPECT_EQ(model.ffn_kind(), FeedForward::Gelu);
  EXPECT_TRUE(model.has_biases() && model.has_tied_head());
  EXPECT_FALSE(model.has_qk_norm());
  EXPECT_EQ(model.key_heads(), 8);
  EXPECT_EQ(model.ffn_channels(), 1024);
  EXPECT_EQ(model.z_loss, 0.0);
}

TEST(Family, ModernChangesEveryPiece) {
  const ModelConfig model = model_of("{family: modern, kv_heads: 2}");
  EXPECT_EQ(model.position_kind(), Positions::Rope);
  EXPECT_EQ(model.norm_kind(), Norm::RmsNorm);
  EXPECT_EQ(model.ffn_kind(), FeedForward::Swiglu);
  EXPECT_FALSE(model.has_biases() || model.has_tied_head());
  EXPECT_TRUE(model.has_qk_norm());
  EXPECT_EQ(model.key_channels(), 64);
}

TEST(Family, APieceMayBeChosenForItself) {
  const ModelConfig model = model_of(
      "{family: modern, positions: learned, norm: layer_norm, ffn: gelu, biases: true, tied_head: true, qk_norm: "
      "false}");
  ModelConfig paper = model_of("{}").resolved();
  paper.family = Family::Modern;
  EXPECT_EQ(model.resolved().ffn_width, paper.ffn_width);
  EXPECT_EQ(model.position_kind(), paper.position_kind());
  EXPECT_EQ(model.norm_kind(), paper.norm_kind());
  EXPECT_TRUE(model.has_biases() && model.has_tied_head());
  EXPECT_FALSE(model.has_qk_norm());
}

TEST(Family, SwigluIsEightThirdsWideInSixtyFours) {
  EXPECT_EQ(model_of("{family: modern, width: 192}").ffn_channels(), 512);   // 512 exactly
  EXPECT_EQ(model_of("{family: modern, width: 128}").ffn_channels(), 384);   // 341.3
  EXPECT_EQ(model_of("{family: modern, width: 768}").ffn_channels(), 2048);  // 2048 exactly
  EXPECT_EQ(model_of("{family: modern, width: 128, ffn_width: 100}").ffn_channels(), 100);
}

TEST(Family, ResolvedHasNothingLeftToDecide) {
  const ModelConfig model = model_of("{family: modern}").resolved();
  EXPECT_EQ(model.positions, Positions::Rope);
  EXPECT_EQ(model.norm, Norm::RmsNorm);
  EXPECT_EQ(model.ffn, FeedForward::Swiglu);
  EXPECT_EQ(model.biases, Choice::No);
  EXPECT_EQ(model.tied_head, Choice::No);
  EXPECT_EQ(model.qk_norm, Choice::Yes);
  EXPECT_EQ(model.kv_heads, 8);
  EXPECT_EQ(model.ffn_width, 704);
}

TEST(Family, KeyHeadsDivideHeads) {
  const Lines lines = mistakes_of_model("{kv_heads: 3}");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("model.kv_heads: expected a divisor of model.heads = 8, found 3"), std::string::npos)
      << lines[0];
}

TEST(Family, RopeTurnsPairsOfChannels) {
  const Lines lines = mistakes_of_model("{family: modern, width: 24}");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("an even number of channels in each of model.heads = 8, found 3"), std::string::npos)
      << lines[0];
  EXPECT_TRUE(mistakes_of_model("{family: modern, width: 24, positions: learned}").empty());
}

TEST(Mup, KeepsTheWidthOfHeads) {
  EXPECT_EQ(model_of("{}").mup_ratio(), 1.0);
  EXPECT_EQ(model_of("{mup_base_width: 64}").mup_ratio(), 4.0);
  const Lines lines = mistakes_of_model("{mup_base_width: 40}");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("model.mup_base_width: expected a multiple of the width of a head, 32, found 40"),
            std::string::npos)
      << lines[0];
}

}  // namespace
}  // namespace isobath
