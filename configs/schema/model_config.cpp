#include "configs/schema/model_config.hpp"

#include <string>

#include "configs/schema/fields/scalar_text.hpp"

namespace isobath {
namespace {

/// `given`, or what the family says.
template <class E>
E decided(E given, Family family, E paper, E modern) {
  if (given != E::Auto) return given;
  return family == Family::Modern ? modern : paper;
}

Choice choice(bool is_yes) { return is_yes ? Choice::Yes : Choice::No; }

}  // namespace

Positions ModelConfig::position_kind() const { return decided(positions, family, Positions::Learned, Positions::Rope); }
Norm ModelConfig::norm_kind() const { return decided(norm, family, Norm::LayerNorm, Norm::RmsNorm); }
FeedForward ModelConfig::ffn_kind() const { return decided(ffn, family, FeedForward::Gelu, FeedForward::Swiglu); }
bool ModelConfig::has_biases() const { return decided(biases, family, Choice::Yes, Choice::No) == Choice::Yes; }
bool ModelConfig::has_tied_head() const { return decided(tied_head, family, Choice::Yes, Choice::No) == Choice::Yes; }
bool ModelConfig::has_qk_norm() const { return decided(qk_norm, family, Choice::No, Choice::Yes) == Choice::Yes; }

std::int64_t ModelConfig::ffn_channels() const {
  if (ffn_width != 0) return ffn_width;
  constexpr std::int64_t kMultiple = 64;
  if (ffn_kind() == FeedForward::Gelu) return 4 * width;
  return (8 * width + 3 * kMultiple - 1) / (3 * kMultiple) * kMultiple;
}

ModelConfig ModelConfig::resolved() const {
  ModelConfig out = *this;
  out.kv_heads = key_heads();
  out.ffn_width = ffn_channels();
  out.positions = position_kind();
  out.norm = norm_kind();
  out.ffn = ffn_kind();
  out.biases = choice(has_biases());
  out.tied_head = choice(has_tied_head());
  out.qk_norm = choice(has_qk_norm());
  return out;
}

void ModelConfig::check(config::Checker& checker) const {
  using config::print;
  const std::int64_t below = width / heads * heads;
  const std::string fit = below == 0 ? print(heads) : print(below) + " or " + print(below + heads);
  const bool divides = width % heads == 0;
  checker.rule(divides, {"width", "heads"},
               {"a multiple of model.heads = " + print(heads), print(width),
                "choose a width of " + fit + ", or another number of heads"});
  checker.rule(!divides || mup_base_width % head_width() == 0, {"mup_base_width", "width", "heads"},
               {"a multiple of the width of a head, " + print(divides ? head_width() : 0), print(mup_base_width),
                "models of all widths have heads of one width: let heads grow with width"});
  checker.rule(heads % key_heads() == 0, {"kv_heads", "heads"},
               {"a divisor of model.heads = " + print(heads), print(kv_heads),
                "every key head serves as many query heads: choose 1, " + print(heads) +
                    " or a number between that "
                    "divides it"});
  checker.rule(!divides || position_kind() != Positions::Rope || head_width() % 2 == 0,
               {"width", "heads", "positions", "family"},
               {"an even number of channels in each of model.heads = " + print(heads), print(head_width()),
                "rope turns pairs of channels: choose a width of " + print(2 * heads * ((head_width() + 1) / 2)) +
                    ", or positions: learned"});
}

}  // namespace isobath
