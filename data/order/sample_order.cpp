#include "data/order/sample_order.hpp"

#include "data/order/permutation.hpp"
#include "ops/core/error.hpp"
#include "ops/core/random.hpp"

namespace isobath {
namespace {

std::uint64_t draw(std::uint64_t seed, Purpose purpose, std::int64_t epoch) {
  const RandomKey key{.seed = seed, .purpose = purpose, .step = static_cast<std::uint64_t>(epoch)};
  const auto words = draw4(key.words(), 0, 0, 0);
  return static_cast<std::uint64_t>(words[0]) | static_cast<std::uint64_t>(words[1]) << 32;
}

}  // namespace

SamplePlace SampleOrder::place(std::int64_t sample) const {
  require(sample >= 0, "global sample ", sample);
  const std::int64_t count = windows_.count(), epoch = sample / count;
  const Permutation order(count, draw(seed_, Purpose::Order, epoch));
  const std::int64_t window = order(sample % count);
  return {epoch, window, windows_.begin(window, draw(seed_, Purpose::Offset, epoch))};
}

}  // namespace isobath
