#pragma once
// Which window the g-th sample of a run is.

#include <cstdint>
#include <utility>

#include "data/order/window_index.hpp"

namespace isobath {

/// Where a sample lies: a function of (seed, global sample index) alone.
struct SamplePlace {
  std::int64_t epoch = 0;
  std::int64_t window = 0;  ///< in the epoch's WindowIndex
  std::int64_t begin = 0;   ///< first of its T + 1 positions in the stream

  bool operator==(const SamplePlace&) const = default;
};

/// Global sample g belongs to epoch g / windows and is the (g % windows)-th of that epoch's order, a keyed permutation.
/// An epoch takes every window once, at the epoch's own offset.
class SampleOrder {
 public:
  SampleOrder(WindowIndex windows, std::uint64_t seed) : windows_(std::move(windows)), seed_(seed) {}

  std::int64_t windows_per_epoch() const { return windows_.count(); }
  std::int64_t context() const { return windows_.context(); }
  /// sample >= 0. Costs no more far into a run than at its start.
  SamplePlace place(std::int64_t sample) const;

 private:
  WindowIndex windows_;
  std::uint64_t seed_;
};

}  // namespace isobath
