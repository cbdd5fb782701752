#pragma once
// Which window the g-th sample of a run is.

#include <cstdint>
#include <utility>
#include <vector>

#include "data/order/mixture.hpp"
#include "data/order/split.hpp"
#include "data/order/window_index.hpp"

namespace isobath {

/// Where a sample lies: a function of (seed, global sample index) alone.
struct SamplePlace {
  std::int64_t epoch = 0;
  std::int64_t window = 0;  ///< in the epoch's WindowIndex
  std::int64_t begin = 0;   ///< first of its T + 1 positions in the stream
  std::int64_t source = 0;  ///< of a mixture; epoch and window are the source's own

  bool operator==(const SamplePlace&) const = default;
};

/// Global sample g belongs to epoch g / windows and is the (g % windows)-th of that epoch's order, a keyed permutation.
/// An epoch takes every window once, at the epoch's own offset.
class SampleOrder {
 public:
  SampleOrder(WindowIndex windows, std::uint64_t seed);
  /// Each source is gone through in an order of its own, and the mixture says whose turn it is. Throws DataError where
  /// a source has no window of `context` + 1 tokens.
  SampleOrder(const TokenSplit& split, std::int64_t context, std::uint64_t seed);

  /// Over all sources.
  std::int64_t windows_per_epoch() const;
  std::int64_t context() const { return windows_.front().context(); }
  /// sample >= 0. Costs no more far into a run than at its start.
  SamplePlace place(std::int64_t sample) const;
  /// How many of the first `samples` each source has given.
  std::vector<std::int64_t> given(std::int64_t samples) const { return mixture_.given(samples); }

 private:
  std::vector<WindowIndex> windows_;  // of each source
  Mixture mixture_;
  std::uint64_t seed_;
};

}  // namespace isobath
