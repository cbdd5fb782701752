#pragma once
// The trunk: what is the same for every depth policy. The family says what `auto` means for each piece; the functions
// below say what a configuration comes to, and are all that the model reads.

#include <array>
#include <cstdint>

#include "configs/schema/checker.hpp"
#include "configs/schema/enum_names.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath {

enum class Family { Paper, Modern };
constexpr auto enum_names(Family) {
  return std::array{EnumName{Family::Paper, "paper"}, EnumName{Family::Modern, "modern"}};
}

enum class Positions { Auto, Learned, Rope };
constexpr auto enum_names(Positions) {
  return std::array{EnumName{Positions::Auto, "auto"}, EnumName{Positions::Learned, "learned"},
                    EnumName{Positions::Rope, "rope"}};
}

enum class Norm { Auto, LayerNorm, RmsNorm };
constexpr auto enum_names(Norm) {
  return std::array{EnumName{Norm::Auto, "auto"}, EnumName{Norm::LayerNorm, "layer_norm"},
                    EnumName{Norm::RmsNorm, "rms_norm"}};
}

enum class FeedForward { Auto, Gelu, Swiglu };
constexpr auto enum_names(FeedForward) {
  return std::array{EnumName{FeedForward::Auto, "auto"}, EnumName{FeedForward::Gelu, "gelu"},
                    EnumName{FeedForward::Swiglu, "swiglu"}};
}

/// A yes or no that the family may decide.
enum class Choice { Auto, Yes, No };
constexpr auto enum_names(Choice) {
  return std::array{EnumName{Choice::Auto, "auto"}, EnumName{Choice::Yes, "true"}, EnumName{Choice::No, "false"}};
}

struct ModelConfig {
  Family family = Family::Paper;
  std::int64_t layers = 6;
  std::int64_t width = 256;
  std::int64_t heads = 8;
  std::int64_t kv_heads = 0;
  std::int64_t ffn_width = 0;
  std::int64_t context = 128;
  std::int64_t vocabulary = 0;
  Positions positions = Positions::Auto;
  double rope_base = 10000;
  Norm norm = Norm::Auto;
  FeedForward ffn = FeedForward::Auto;
  Choice biases = Choice::Auto;
  Choice tied_head = Choice::Auto;
  Choice qk_norm = Choice::Auto;
  double z_loss = 0.0;
  double dropout = 0.1;
  double init_deviation = 0.02;
  std::int64_t mup_base_width = 0;

  /// What `auto` and 0 come to.
  Positions position_kind() const;  ///< Learned or Rope
  Norm norm_kind() const;           ///< LayerNorm or RmsNorm
  FeedForward ffn_kind() const;     ///< Gelu or Swiglu
  bool has_biases() const;
  bool has_tied_head() const;
  bool has_qk_norm() const;
  /// Heads of keys and values; divides `heads`.
  std::int64_t key_heads() const { return kv_heads == 0 ? heads : kv_heads; }
  std::int64_t head_width() const { return width / heads; }
  /// Columns of the keys, and of the values.
  std::int64_t key_channels() const { return key_heads() * head_width(); }
  /// Hidden channels of the feed-forward branch: 4 x width for gelu; for swiglu, which has three matrices, 8 / 3 x
  /// width rounded up to a multiple of 64.
  std::int64_t ffn_channels() const;
  /// How much wider than the base of muP the model is; 1 without it.
  double mup_ratio() const {
    return mup_base_width == 0 ? 1.0 : static_cast<double>(width) / static_cast<double>(mup_base_width);
  }
  /// The same model with every `auto` and 0 (but the vocabulary's) spelled out.
  ModelConfig resolved() const;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("family", self.family, anything(), Same,
          "what auto means below; paper: learned positions, LayerNorm, GELU, biases, tied head; modern: RoPE, RMSNorm, "
          "SwiGLU, no biases, a head of its own, QK-norm");
    field("layers", self.layers, in(1, 4096), Same, "number of blocks");
    field("width", self.width, in(1, 1 << 20), Same, "channels of the residual stream; a multiple of heads");
    field("heads", self.heads, in(1, 4096), Same, "attention heads of a block");
    field("kv_heads", self.kv_heads, in(0, 4096), Same,
          "heads of keys and values, each shared by heads / kv_heads query heads; 0: as many as heads");
    field(
        "ffn_width", self.ffn_width, in(0, 1 << 22), Same,
        "hidden channels of the feed-forward branch; 0: 4 x width, for swiglu 8/3 x width rounded up to a multiple of "
        "64");
    field("context", self.context, in(1, 1 << 24), Same, "tokens of a window, and positions that the model knows");
    field("vocabulary", self.vocabulary, in(0, 1 << 26), Same,
          "rows of the embedding; 0: the vocabulary of the dataset");
    field("positions", self.positions, anything(), Same,
          "learned: a vector per position joins the embedding; rope: queries and keys are turned by their positions");
    field("rope_base", self.rope_base, above(1).up_to(1e12), Same,
          "wavelengths of rope lie between 2 pi and 2 pi times this many tokens");
    field("norm", self.norm, anything(), Same, "norm before each branch and before the head");
    field("ffn", self.ffn, anything(), Same,
          "gelu: two matrices with GELU between; swiglu: a second first matrix gates by SiLU");
    field("biases", self.biases, anything(), Same, "biases in the matrices of the blocks");
    field("tied_head", self.tied_head, anything(), Same, "the output head is the embedding of tokens");
    field("qk_norm", self.qk_norm, anything(), Same, "RMSNorm on every head's queries and keys");
    field("z_loss", self.z_loss, in(0, 1), Same,
          "weight of the mean of logsumexp(logits)^2 in the loss, in nats; 0: none");
    field("dropout", self.dropout, at_least(0).below(1), Same,
          "probability that a channel of the embedding or of a residual branch is dropped in training");
    field("init_deviation", self.init_deviation, above(0).up_to(10), Same,
          "standard deviation of initial weights; residual projections get it divided by sqrt(2 x layers)");
    field("mup_base_width", self.mup_base_width, in(0, 1 << 20), Same,
          "width for which learning_rate and init_deviation were tuned: with m = width / mup_base_width, matrices "
          "inside the trunk and routers learn at 1/m, start 1/sqrt(m) as wide (1/m with one output), and logits are "
          "divided by m; heads keep their width; 0: no such scaling");
  }
  void check(config::Checker& checker) const;
};

}  // namespace isobath
