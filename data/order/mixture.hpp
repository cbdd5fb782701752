#pragma once
// Which source the g-th sample of a run comes from, when several are mixed by weight.

#include <cstdint>
#include <vector>

namespace isobath {

/// Whole numbers in the proportions of `weights`, each above 0: exact where nine decimals and a sum of up to 2^20
/// allow, otherwise rounded so that the sum is 2^20.
std::vector<std::int64_t> whole_weights(const std::vector<double>& weights);

/// Turns of sources in a fixed order that repeats after the sum of the weights. Of any first n samples each source has
/// its share within one sample (the chairman assignment, Tijdeman 1980). A turn is found at once, however far away.
class Mixture {
 public:
  /// Weights above 0, whose sum is at most 2^20.
  explicit Mixture(std::vector<std::int64_t> weights);

  struct Turn {
    std::int64_t source = 0;
    std::int64_t sample = 0;  ///< of that source

    bool operator==(const Turn&) const = default;
  };
  /// sample >= 0.
  Turn turn(std::int64_t sample) const;
  /// How many of the first `samples` >= 0 each source has given. Found at once, too.
  std::vector<std::int64_t> given(std::int64_t samples) const;

 private:
  std::vector<std::int64_t> weights_;
  std::vector<std::int32_t> sources_;  // of each turn in a period
  std::vector<std::int32_t> before_;   // turns that source had in the period before
};

}  // namespace isobath
