// The keyed order: a bijection for every count and key, and no visible pattern.

#include "data/order/permutation.hpp"

#include <array>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "ops/core/error.hpp"

namespace isobath {
namespace {

bool is_bijection(std::int64_t count, std::uint64_t key) {
  const Permutation order(count, key);
  std::vector<char> seen(static_cast<std::size_t>(count), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t to = order(i);
    if (to < 0 || to >= count || seen[static_cast<std::size_t>(to)]++) return false;
  }
  return true;
}

TEST(Permutation, EverySmallCountIsABijection) {
  for (std::int64_t count = 1; count <= 300; ++count) EXPECT_TRUE(is_bijection(count, 7)) << count;
}

RC_GTEST_PROP(Permutation, IsABijection, (std::uint64_t key)) {
  RC_ASSERT(is_bijection(*rc::gen::inRange<std::int64_t>(1, 20000), key));
}

TEST(Permutation, CountsAroundPowersOfFour) {
  // Where the network grows by a bit: the walk is shortest at 4^h and longest just above.
  for (const std::int64_t power : {4, 16, 64, 256, 1024, 4096, 65536})
    for (const std::int64_t count : {power - 1, power, power + 1}) EXPECT_TRUE(is_bijection(count, 11)) << count;
}

RC_GTEST_PROP(Permutation, HugeCountsStayInRangeWithoutCollisions, (std::uint64_t key)) {
  const auto count = *rc::gen::inRange<std::int64_t>(std::int64_t{1} << 40, std::int64_t{1} << 61);
  const Permutation order(count, key);
  std::vector<std::int64_t> to;
  for (std::int64_t i = 0; i < 50; ++i) to.push_back(order(count - 1 - i));
  std::sort(to.begin(), to.end());
  RC_ASSERT(to.front() >= 0 && to.back() < count);
  RC_ASSERT(std::adjacent_find(to.begin(), to.end()) == to.end());
}

TEST(Permutation, RefusesWhatIsOutside) {
  const Permutation order(10, 1);
  EXPECT_THROW(order(10), InternalError);
  EXPECT_THROW(order(-1), InternalError);
  EXPECT_THROW(Permutation(0, 1), InternalError);
}

// The mean of a chi-square variable plus five of its standard deviations: exceeded by chance with a probability of
// about 1e-4 at 4 degrees of freedom and less at more. Keys are fixed, so the outcome is too.
double chi_square_bound(double freedom) { return freedom + 5.0 * std::sqrt(2.0 * freedom); }

TEST(Permutation, EveryElementGoesEverywhereEquallyOften) {
  for (const std::int64_t count : {3, 5, 6, 17}) {
    constexpr int kKeys = 20000;
    std::vector<int> hits(static_cast<std::size_t>(count * count), 0);
    for (std::uint64_t key = 0; key < kKeys; ++key) {
      const Permutation order(count, key);
      for (std::int64_t i = 0; i < count; ++i) ++hits[static_cast<std::size_t>(i * count + order(i))];
    }
    const double expected = static_cast<double>(kKeys) / static_cast<double>(count);
    double chi = 0.0;
    for (const int hit : hits) chi += (hit - expected) * (hit - expected) / expected;
    EXPECT_LT(chi, chi_square_bound(static_cast<double>((count - 1) * (count - 1)))) << count;
  }
}

TEST(Permutation, NeighboursSpread) {
  // The distances between images of neighbours fall evenly on 16 classes modulo count, as those of a random order do.
  constexpr std::int64_t kCount = 100003, kClasses = 16;
  const Permutation order(kCount, 3);
  std::array<int, kClasses> hits{};
  for (std::int64_t i = 0; i + 1 < kCount; ++i) {
    const std::int64_t distance = (order(i + 1) - order(i) + kCount) % kCount;
    ++hits[static_cast<std::size_t>(distance * kClasses / kCount)];
  }
  const double expected = static_cast<double>(kCount - 1) / kClasses;
  double chi = 0.0;
  for (const int hit : hits) chi += (hit - expected) * (hit - expected) / expected;
  EXPECT_LT(chi, chi_square_bound(kClasses - 1));
}

}  // namespace
}  // namespace isobath
