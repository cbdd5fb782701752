// top_k and rows_above against references that only compare and sort, on generated scores full of ties and specials.

#include <algorithm>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "ops/top_k/top_k.hpp"

namespace isobath::test {
namespace {

// Few distinct values, so that ties are common, with everything special among them.
rc::Gen<float> any_score() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  return rc::gen::oneOf(
      rc::gen::element(0.0F, -0.0F, 1.0F, -1.0F, kInfinity, -kInfinity, kNaN, -kNaN,
                       std::numeric_limits<float>::denorm_min(), -std::numeric_limits<float>::denorm_min(),
                       std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest()),
      rc::gen::map(rc::gen::inRange(-3, 4), [](int value) { return static_cast<float>(value) * 0.5F; }),
      rc::gen::map(rc::gen::inRange(-1000000, 1000000), [](int value) { return static_cast<float>(value) * 1e-3F; }));
}

struct Case {
  std::int64_t batch, length, k;
  std::vector<float> scores;
};

Case any_case() {
  Case made{*rc::gen::inRange<std::int64_t>(1, 5), *rc::gen::inRange<std::int64_t>(1, 40), 0, {}};
  made.k = *rc::gen::inRange<std::int64_t>(1, made.length + 1);
  made.scores =
      *rc::gen::container<std::vector<float>>(static_cast<std::size_t>(made.batch * made.length), any_score());
  return made;
}

// The order in words: a number before a NaN, the greater number first; a stable sort keeps the lower index first.
bool before(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);
  return a > b;
}

std::vector<std::int32_t> reference(const Case& from) {
  std::vector<std::int32_t> rows;
  for (std::int64_t s = 0; s < from.batch; ++s) {
    std::vector<std::int32_t> order(static_cast<std::size_t>(from.length));
    std::iota(order.begin(), order.end(), static_cast<std::int32_t>(s * from.length));
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return before(from.scores[static_cast<std::size_t>(a)], from.scores[static_cast<std::size_t>(b)]);
    });
    std::sort(order.begin(), order.begin() + from.k);
    rows.insert(rows.end(), order.begin(), order.begin() + from.k);
  }
  return rows;
}

void check_offsets_and_positions(const RowSet& set, const Case& from) {
  const auto rows = set.rows().to_vector<std::int32_t>(), offsets = set.offsets().to_vector<std::int32_t>(),
             positions = set.positions().to_vector<std::int32_t>();
  RC_ASSERT(offsets.front() == 0 && offsets.back() == static_cast<std::int32_t>(rows.size()));
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s)
    for (std::int32_t i = offsets[s]; i < offsets[s + 1]; ++i) {
      const auto at = static_cast<std::size_t>(i);
      RC_ASSERT(rows[at] / from.length == static_cast<std::int64_t>(s));
      RC_ASSERT(positions[at] == rows[at] % from.length);
    }
}

TEST(TopKProperty, EqualsAStableSort) {
  EXPECT_TRUE(rc::check("top_k equals a stable sort", [] {
    const Case from = any_case();
    const RowSet set =
        top_k(Tensor::from(Shape{from.batch * from.length}, from.scores), from.batch, from.length, from.k);
    RC_ASSERT(set.rows().to_vector<std::int32_t>() == reference(from));
    check_offsets_and_positions(set, from);
  }));
}

TEST(TopKProperty, RowsAboveEqualsAFilter) {
  EXPECT_TRUE(rc::check("rows_above equals a filter", [] {
    const Case from = any_case();
    const float threshold = *any_score();
    std::vector<std::int32_t> expected;
    for (std::size_t i = 0; i < from.scores.size(); ++i)
      if (from.scores[i] > threshold) expected.push_back(static_cast<std::int32_t>(i));
    const RowSet set =
        rows_above(Tensor::from(Shape{from.batch * from.length}, from.scores), from.batch, from.length, threshold);
    RC_ASSERT(set.rows().to_vector<std::int32_t>() == expected);
    check_offsets_and_positions(set, from);
  }));
}

// Where all scores are finite and differ, the k-th value separates the chosen from the others.
TEST(TopKProperty, ChoosesTheGreatest) {
  EXPECT_TRUE(rc::check("no row left out exceeds a chosen one", [] {
    Case from = any_case();
    std::iota(from.scores.begin(), from.scores.end(), 0.0F);
    for (std::size_t i = from.scores.size(); i > 1; --i)
      std::swap(from.scores[i - 1], from.scores[*rc::gen::inRange<std::size_t>(0, i)]);
    const RowSet set =
        top_k(Tensor::from(Shape{from.batch * from.length}, from.scores), from.batch, from.length, from.k);
    const auto rows = set.rows().to_vector<std::int32_t>();
    for (std::int64_t s = 0; s < from.batch; ++s) {
      float smallest = std::numeric_limits<float>::infinity();
      for (std::int64_t i = 0; i < from.k; ++i)
        smallest =
            std::min(smallest, from.scores[static_cast<std::size_t>(rows[static_cast<std::size_t>(s * from.k + i)])]);
      const auto begin = from.scores.begin() + s * from.length;
      RC_ASSERT(std::count_if(begin, begin + from.length, [&](float score) { return score >= smallest; }) == from.k);
    }
  }));
}

}  // namespace
}  // namespace isobath::test
