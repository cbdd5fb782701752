#pragma once
// The trunk: what is the same for every depth policy.

#include <array>
#include <cstdint>

#include "configs/schema/checker.hpp"
#include "configs/schema/enum_names.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath {

enum class Family { Paper };
constexpr auto enum_names(Family) { return std::array{EnumName{Family::Paper, "paper"}}; }

struct ModelConfig {
  Family family = Family::Paper;
  std::int64_t layers = 6;
  std::int64_t width = 256;
  std::int64_t heads = 8;
  std::int64_t ffn_width = 0;
  std::int64_t context = 128;
  std::int64_t vocabulary = 0;
  double dropout = 0.1;
  double init_deviation = 0.02;

  /// Hidden channels of the feed-forward branch, the 0 of `ffn_width` resolved.
  std::int64_t ffn_channels() const { return ffn_width == 0 ? 4 * width : ffn_width; }

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("family", self.family, anything(), Same,
          "architecture; paper: learned positions, LayerNorm, GELU, tied embeddings");
    field("layers", self.layers, in(1, 4096), Same, "number of blocks");
    field("width", self.width, in(1, 1 << 20), Same, "channels of the residual stream; a multiple of heads");
    field("heads", self.heads, in(1, 4096), Same, "attention heads of a block");
    field("ffn_width", self.ffn_width, in(0, 1 << 22), Same,
          "hidden channels of the feed-forward branch; 0: 4 x width");
    field("context", self.context, in(1, 1 << 24), Same, "tokens of a window, and positions that the model knows");
    field("vocabulary", self.vocabulary, in(0, 1 << 26), Same,
          "rows of the embedding; 0: the vocabulary of the dataset");
    field("dropout", self.dropout, at_least(0).below(1), Same,
          "probability that a channel of the embedding or of a residual branch is dropped in training");
    field("init_deviation", self.init_deviation, above(0).up_to(10), Same,
          "standard deviation of initial weights; residual projections get it divided by sqrt(2 x layers)");
  }
  void check(config::Checker& checker) const;
};

}  // namespace isobath
