// adamw on each device, against double precision; what is outside the ranges keeps its bits.

#include "ops/adamw/adamw.hpp"

#include <array>

#include "gpu/placed_run.hpp"
#include "support/adamw_reference.hpp"

namespace isobath {
namespace {

using namespace test;

class AdamW : public OnDevice {};

constexpr double kRate = 1e-2, kScale = 0.5;

/// Flat buffers of `count` elements; second moments are squares.
struct Flat {
  std::vector<float> values[4];
  Tensor weights, gradients, first, second, control;

  /// Each begins `apart` elements behind where the placement says.
  Flat(std::int64_t count, double index, double go, const Placement& where,
       const std::array<std::int64_t, 4>& apart = {}) {
    for (int i = 0; i < 4; ++i) values[i] = random_values(count, static_cast<std::uint64_t>(i), i < 2 ? 1.0F : 0.3F);
    for (float& value : values[3]) value *= value;
    const Shape shape{count};
    const auto placed = [&](std::size_t i) {
      return place(shape, values[i], DType::F32, {where.device, where.offset + apart[i]});
    };
    weights = placed(0), gradients = placed(1), first = placed(2), second = placed(3);
    control = Tensor::from(Shape{4}, std::vector<double>{kRate, kScale, index, go}, where.device);
  }
  void update(const std::vector<AdamWRange>& ranges) const {
    adamw(weights, gradients, first, second, ranges, {}, control);
  }
  AdamWReference reference() const {
    return {to_doubles(values[0]), to_doubles(values[1]), to_doubles(values[2]), to_doubles(values[3])};
  }
};

bool is_inside(const std::vector<AdamWRange>& ranges, std::int64_t i) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const auto& r) { return r.begin <= i && i < r.end; });
}

void expect_kept_outside(const Tensor& got, const std::vector<float>& was, const std::vector<AdamWRange>& ranges) {
  const std::vector<float> now = to_floats(got);
  for (std::size_t i = 0; i < now.size(); ++i)
    ASSERT_TRUE(now[i] == was[i] || is_inside(ranges, static_cast<std::int64_t>(i))) << i;
}

void expect_update(std::int64_t count, const std::vector<AdamWRange>& ranges, const Placement& where,
                   const std::array<std::int64_t, 4>& apart = {}) {
  const Flat flat(count, 3.0, 1.0, where, apart);
  flat.update(ranges);
  AdamWReference want = flat.reference();
  want.update(ranges, kRate, kScale, 3.0);
  // A moment passes four roundings of terms below 1; a weight is rounded three times, and the step, with relative
  // errors of some 20 eps, is below rate * |m| / sqrt(v) < 40 rates.
  EXPECT_TRUE(close(flat.first, want.first, {4.0 * kEpsilon, 0.0})) << where;
  EXPECT_TRUE(close(flat.second, want.second, {0.0, 8.0 * kEpsilon})) << where;
  EXPECT_TRUE(close(flat.weights, want.weights, {3.0 * kEpsilon + 20.0 * kRate * 40.0 * kEpsilon, 0.0})) << where;
  expect_kept_outside(flat.weights, flat.values[0], ranges);
  expect_kept_outside(flat.first, flat.values[2], ranges);
  expect_kept_outside(flat.second, flat.values[3], ranges);
  EXPECT_TRUE(equal_bits(to_floats(flat.gradients), flat.values[1]));
}

// Ranges that begin and end within a vector and next to each other, are empty, and take several blocks.
TEST_P(AdamW, UpdatesTheRangesAndNothingElse) {
  for (const std::int64_t offset : {0, 1}) {
    expect_update(9001, {{0, 4001, 0.1F, 0.25F}, {4001, 4003, 0.0F}, {4003, 4003, 0.1F}, {4507, 9001, 0.0F}},
                  {device(), offset});
    expect_update(5, {{1, 3, 0.1F}}, {device(), offset});
    expect_update(9, {{0, 9, 0.1F, 0.5F}}, {device(), offset});
  }
}

// One that does not begin at a vector's address is enough for all of them to be taken by the element.
TEST_P(AdamW, TakesBuffersWhereverEachBegins) {
  for (std::size_t shifted = 0; shifted < 4; ++shifted) {
    std::array<std::int64_t, 4> apart{};
    apart[shifted] = 1;
    expect_update(1001, {{0, 401, 0.1F, 0.25F}, {402, 1001, 0.0F}}, {device()}, apart);
  }
}

/// `count` ranges of seven elements, three apart.
std::vector<AdamWRange> many_ranges(std::int64_t count) {
  std::vector<AdamWRange> ranges;
  for (std::int64_t i = 0; i < count; ++i)
    ranges.push_back({10 * i, 10 * i + 7, static_cast<float>(i % 3) * 0.1F, 1.0F / static_cast<float>(1 + i % 4)});
  return ranges;
}

// Beyond what the parameters of a small and of a large launch hold.
TEST_P(AdamW, TakesAnyNumberOfRanges) {
  for (const std::int64_t count : {96, 97, 900}) expect_update(10 * count, many_ranges(count), {device()});
}

TEST_P(AdamW, WithoutGoOrRangesEveryBitStays) {
  const Flat still(100, 2.0, 0.0, {device()}), none(100, 2.0, 1.0, {device()});
  still.update({{0, 100, 0.1F}});
  none.update({});
  none.update({{40, 40, 0.1F}});
  for (const Flat* flat : {&still, &none}) {
    EXPECT_TRUE(equal_bits(to_floats(flat->weights), flat->values[0]));
    EXPECT_TRUE(equal_bits(to_floats(flat->first), flat->values[2]));
    EXPECT_TRUE(equal_bits(to_floats(flat->second), flat->values[3]));
  }
}

// How the flat buffers are cut among ranks must not show.
TEST_P(AdamW, BitsDoNotDependOnHowRangesAreCut) {
  if (device().is_cpu()) GTEST_SKIP() << "the CPU promises this up to rounding (tests/ops/adamw_test.cpp)";
  const Flat whole(9001, 2.0, 1.0, {device()}), pieces(9001, 2.0, 1.0, {device()});
  whole.update({{0, 9001, 0.1F}});
  pieces.update({{0, 1, 0.1F}, {1, 777, 0.1F}, {777, 9001, 0.1F}});
  EXPECT_TRUE(equal_bits(to_floats(pieces.weights), to_floats(whole.weights)));
}

ON_EVERY_DEVICE(AdamW);

}  // namespace
}  // namespace isobath
