#include "data/order/sample_order.hpp"

#include "data/order/permutation.hpp"
#include "ops/core/error.hpp"
#include "ops/core/random.hpp"

namespace isobath {
namespace {

std::uint64_t draw(std::uint64_t seed, Purpose purpose, std::int64_t epoch, std::int64_t source) {
  const RandomKey key{.seed = seed,
                      .purpose = purpose,
                      .step = static_cast<std::uint64_t>(epoch),
                      .layer = static_cast<std::uint64_t>(source)};
  const auto words = draw4(key.words(), 0, 0, 0);
  return static_cast<std::uint64_t>(words[0]) | static_cast<std::uint64_t>(words[1]) << 32;
}

std::vector<WindowIndex> windows_of(const TokenSplit& split, std::int64_t context) {
  if (split.mixture.empty()) return {WindowIndex(split.segments, context)};
  std::vector<WindowIndex> out;
  auto next = split.segments.begin();
  for (const MixtureShare& share : split.mixture) {
    const auto end = next + static_cast<std::ptrdiff_t>(share.segments);
    out.emplace_back(std::vector<Segment>(next, end), context);
    next = end;
  }
  return out;
}

Mixture mixture_of(const TokenSplit& split) {
  std::vector<std::int64_t> weights;
  for (const MixtureShare& share : split.mixture) weights.push_back(share.weight);
  return Mixture(weights.empty() ? std::vector<std::int64_t>{1} : std::move(weights));
}

}  // namespace

SampleOrder::SampleOrder(WindowIndex windows, std::uint64_t seed)
    : windows_{std::move(windows)}, mixture_({1}), seed_(seed) {}

SampleOrder::SampleOrder(const TokenSplit& split, std::int64_t context, std::uint64_t seed)
    : windows_(windows_of(split, context)), mixture_(mixture_of(split)), seed_(seed) {}

std::int64_t SampleOrder::windows_per_epoch() const {
  std::int64_t sum = 0;
  for (const WindowIndex& windows : windows_) sum += windows.count();
  return sum;
}

SamplePlace SampleOrder::place(std::int64_t sample) const {
  require(sample >= 0, "global sample ", sample);
  const Mixture::Turn turn = mixture_.turn(sample);
  const WindowIndex& windows = windows_[static_cast<std::size_t>(turn.source)];
  const std::int64_t count = windows.count(), epoch = turn.sample / count;
  const Permutation order(count, draw(seed_, Purpose::Order, epoch, turn.source));
  const std::int64_t window = order(turn.sample % count);
  const std::uint64_t shift = draw(seed_, Purpose::Offset, epoch, turn.source);
  return {epoch, window, windows.begin(window, shift), turn.source};
}

}  // namespace isobath
