#include "tests/emulated/engine/order.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <string>

namespace isobath::emulated {
namespace {

Order from_environment() {
  const char* const variable = std::getenv("ISOBATH_EMULATED_ORDER");
  const std::string wanted = variable == nullptr ? "forward" : variable;
  if (wanted == "forward") return {};
  if (wanted == "reverse") return {OrderKind::Reverse};
  if (wanted == "random") return {OrderKind::Random};
  constexpr char kPrefix[] = "random:";
  if (wanted.starts_with(kPrefix)) return {OrderKind::Random, std::stoull(wanted.substr(sizeof(kPrefix) - 1))};
  throw std::invalid_argument("ISOBATH_EMULATED_ORDER=" + wanted +
                              ": expected forward, reverse, random or random:SEED");
}

Order& current() {
  thread_local Order instance = from_environment();
  return instance;
}

}  // namespace

Order order() { return current(); }
void set_order(Order order) { current() = order; }

std::uint64_t Dice::below(std::uint64_t bound) {
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return (state_ * 0x2545F4914F6CDD1DULL >> 32) % bound;
}

void arrange(std::vector<unsigned>& sequence, OrderKind kind, Dice& dice) {
  std::iota(sequence.begin(), sequence.end(), 0U);
  if (kind == OrderKind::Reverse) std::reverse(sequence.begin(), sequence.end());
  if (kind != OrderKind::Random) return;
  for (std::size_t i = sequence.size(); i > 1; --i) std::swap(sequence[i - 1], sequence[dice.below(i)]);
}

}  // namespace isobath::emulated
