#include "data/order/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "ops/core/error.hpp"

namespace isobath {
namespace {

constexpr std::int64_t kMostTurns = std::int64_t{1} << 20;
constexpr double kDecimals = 1e9;

// Shares of `total` by largest remainder, none of them 0.
std::vector<std::int64_t> scale(const std::vector<std::int64_t>& weights, std::int64_t total) {
  const auto sum = static_cast<long double>(std::accumulate(weights.begin(), weights.end(), std::int64_t{0}));
  std::vector<std::int64_t> out;
  std::vector<std::pair<long double, std::size_t>> remainders;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const long double exact = static_cast<long double>(weights[i]) * static_cast<long double>(total) / sum;
    out.push_back(std::max<std::int64_t>(1, static_cast<std::int64_t>(exact)));
    remainders.emplace_back(static_cast<long double>(out.back()) - exact, i);
  }
  std::sort(remainders.begin(), remainders.end());
  std::int64_t missing = total - std::accumulate(out.begin(), out.end(), std::int64_t{0});
  for (std::size_t i = 0; missing > 0; i = (i + 1) % remainders.size(), --missing) ++out[remainders[i].second];
  return out;
}

}  // namespace

std::vector<std::int64_t> whole_weights(const std::vector<double>& weights) {
  std::vector<std::int64_t> out;
  std::int64_t divisor = 0, sum = 0;
  for (const double weight : weights) {
    require(weight > 0 && weight <= kDecimals, "a weight of ", weight);
    out.push_back(std::max<std::int64_t>(1, std::llround(weight * kDecimals)));
    divisor = std::gcd(divisor, out.back());
  }
  for (std::int64_t& weight : out) sum += weight /= divisor;
  return sum <= kMostTurns ? out : scale(out, kMostTurns);
}

// At each turn, of the sources whose share would otherwise come too late, the one that must come first. All in whole
// numbers: with W the sum, source i has had its share at turn t when turns_i W = weight_i t.
Mixture::Mixture(std::vector<std::int64_t> weights) : weights_(std::move(weights)) {
  const std::int64_t sum = std::accumulate(weights_.begin(), weights_.end(), std::int64_t{0});
  const auto count = static_cast<std::int64_t>(weights_.size());
  require(count > 0 && sum < 2 * kMostTurns, "a mixture of ", count, " sources and ", sum, " turns");
  std::vector<std::int64_t> turns(weights_.size(), 0);
  const std::int64_t scale = std::max<std::int64_t>(1, 2 * count - 2);
  for (std::int64_t t = 1; t <= sum; ++t) {
    std::size_t chosen = weights_.size();
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      // Due: weight t / W - turns >= 1 / (2 n - 2).
      const bool due = (weights_[i] * t - turns[i] * sum) * scale >= (count > 1 ? sum : 0);
      // Its deadline (turns + 1 - 1 / (2 n - 2)) W / weight is the earliest: compared crosswise.
      const auto deadline = [&](std::size_t j) { return ((turns[j] + 1) * scale - 1) * sum; };
      const auto earlier = [&](std::size_t a, std::size_t b) {
        return static_cast<__int128>(deadline(a)) * weights_[b] < static_cast<__int128>(deadline(b)) * weights_[a];
      };
      if (due && (chosen == weights_.size() || earlier(i, chosen))) chosen = i;
    }
    require(chosen < weights_.size(), "no source is due at turn ", t);
    sources_.push_back(static_cast<std::int32_t>(chosen));
    before_.push_back(static_cast<std::int32_t>(turns[chosen]++));
  }
}

Mixture::Turn Mixture::turn(std::int64_t sample) const {
  require(sample >= 0, "sample ", sample);
  const auto period = static_cast<std::int64_t>(sources_.size());
  const auto at = static_cast<std::size_t>(sample % period);
  const std::int64_t source = sources_[at];
  return {source, sample / period * weights_[static_cast<std::size_t>(source)] + before_[at]};
}

std::vector<std::int64_t> Mixture::given(std::int64_t samples) const {
  require(samples >= 0, samples, " samples");
  const auto period = static_cast<std::int64_t>(sources_.size());
  std::vector<std::int64_t> in_period(weights_.size(), -1);
  std::size_t unknown = weights_.size();
  // From the last turn back, to the last one of each source: near, unless a source is rare.
  for (std::int64_t t = samples % period - 1; t >= 0 && unknown > 0; --t) {
    const auto at = static_cast<std::size_t>(t);
    std::int64_t& count = in_period[static_cast<std::size_t>(sources_[at])];
    if (count >= 0) continue;
    count = before_[at] + 1;
    --unknown;
  }
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < weights_.size(); ++i)
    out.push_back(samples / period * weights_[i] + std::max<std::int64_t>(0, in_period[i]));
  return out;
}

}  // namespace isobath
