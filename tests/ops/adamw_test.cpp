#include "ops/adamw/adamw.hpp"

#include "support/adamw_reference.hpp"
#include "support/op_run.hpp"

namespace isobath::test {
namespace {

constexpr std::int64_t kCount = 9001;
constexpr double kRate = 1e-2, kScale = 0.5;

struct Flat {
  Tensor weights, gradients, first, second;

  explicit Flat(std::uint64_t seed, std::int64_t count = kCount)
      : weights(Tensor::from(Shape{count}, random_values(count, seed))),
        gradients(Tensor::from(Shape{count}, random_values(count, seed + 1))),
        first(Tensor::from(Shape{count}, random_values(count, seed + 2, 0.1F))),
        second(Tensor::from(Shape{count}, squared(random_values(count, seed + 3, 0.3F)))) {}

  static std::vector<float> squared(std::vector<float> values) {
    for (float& value : values) value *= value;
    return values;
  }

  void update(const std::vector<AdamWRange>& ranges, double index, double go = 1.0) const {
    const Tensor control = Tensor::from(Shape{4}, std::vector<double>{kRate, kScale, index, go});
    adamw(weights, gradients, first, second, ranges, {}, control);
  }
};

AdamWReference reference_of(const Flat& from) {
  return {to_doubles(from.weights), to_doubles(from.gradients), to_doubles(from.first), to_doubles(from.second)};
}

const std::vector<AdamWRange> kRanges{{0, 4000, 0.1F, 0.25F}, {4000, 4001, 0.0F}, {4500, 9001, 0.0F}};

TEST(AdamW, EqualsTheDoubleReferenceOverSeveralUpdates) {
  const Flat flat(1);
  AdamWReference reference = reference_of(flat);
  for (int index = 3; index < 8; ++index) {
    flat.update(kRanges, index);
    reference.update(kRanges, kRate, kScale, index);
  }
  // Five updates. A moment passes four roundings an update, all of terms below 1.
  EXPECT_TRUE(close(flat.first, reference.first, {20.0 * kEpsilon, 0.0}));
  EXPECT_TRUE(close(flat.second, reference.second, {0.0, 30.0 * kEpsilon}));
  // A weight is rounded three times an update; the step has relative errors of some 40 eps (the moments' and its own)
  // and is at most rate * |m| / sqrt(v) < 40 rates here, where the second moment started near 0.
  EXPECT_TRUE(close(flat.weights, reference.weights, {15.0 * kEpsilon + 5.0 * 40.0 * kRate * 40.0 * kEpsilon, 0.0}));
}

TEST(AdamW, TheFirstUpdateMovesByTheRateAlongTheSign) {
  Flat flat(11);
  flat.first.fill_zero();
  flat.second.fill_zero();
  const auto before = to_doubles(flat.weights), gradients = to_doubles(flat.gradients);
  flat.update({{0, kCount, 0.0F}}, 1.0);
  const auto after = to_doubles(flat.weights);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (std::abs(gradients[i]) < 1e-2) continue;  // beside epsilon 1e-8, 2e-6 of the step
    EXPECT_NEAR(before[i] - after[i], std::copysign(kRate, gradients[i]), kRate * 4e-6 + 2.0 * kEpsilon);
  }
}

TEST(AdamW, TouchesNothingOutsideTheRanges) {
  const Flat flat(21), before(21);
  flat.update(kRanges, 2.0);
  for (const auto& [now, then] :
       {std::pair{flat.weights, before.weights}, {flat.first, before.first}, {flat.second, before.second}}) {
    EXPECT_TRUE(same_bits(now.slice(4001, Shape{499}), then.slice(4001, Shape{499})));
    EXPECT_FALSE(same_bits(now.slice(4000, Shape{1}), then.slice(4000, Shape{1})));
  }
  EXPECT_TRUE(same_bits(flat.gradients, before.gradients));
}

void expect_untouched(const Flat& now, const Flat& then) {
  EXPECT_TRUE(same_bits(now.weights, then.weights));
  EXPECT_TRUE(same_bits(now.first, then.first));
  EXPECT_TRUE(same_bits(now.second, then.second));
}

TEST(AdamW, WithoutGoEveryBitStays) {
  const Flat flat(31), before(31);
  flat.gradients.view<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  flat.update(kRanges, 2.0, 0.0);
  expect_untouched(flat, before);
}

TEST(AdamW, WithoutRangesEveryBitStays) {
  const Flat flat(41), before(41);
  flat.update({}, 2.0);
  flat.update({{100, 100, 0.1F}}, 2.0);
  expect_untouched(flat, before);
}

TEST(AdamW, HowRangesAreCutDoesNotMatterBeyondRounding) {
  const Flat whole(51), pieces(51);
  whole.update({{0, kCount, 0.1F}}, 2.0);
  pieces.update({{0, 1, 0.1F}, {1, 777, 0.1F}, {777, kCount, 0.1F}}, 2.0);
  EXPECT_TRUE(close(pieces.weights, to_doubles(whole.weights), {4.0 * kEpsilon, 4.0 * kEpsilon}));
}

TEST(AdamW, BitsDoNotDependOnThreads) {
  const std::vector<AdamWRange> ranges{{0, 20001, 0.1F}, {20001, 20002, 0.0F}, {20100, 50000, 0.0F}};
  const Flat one(61, 50000);
  {
    const ThreadScope scope(1);
    one.update(ranges, 2.0);
  }
  for (const int threads : {2, 3}) {
    const ThreadScope scope(threads);
    const Flat other(61, 50000);
    other.update(ranges, 2.0);
    expect_untouched(other, one);
  }
}

TEST(AdamW, RefusesRangesOutsideTheBuffers) {
  const Flat flat(71);
  EXPECT_THROW(flat.update({{0, kCount + 1, 0.0F}}, 1.0), InternalError);
  EXPECT_THROW(flat.update({{5, 4, 0.0F}}, 1.0), InternalError);
}

TEST(AdamW, RunsNothingOnMeta) {
  const Tensor flat = Tensor::empty(Shape{10}, DType::F32, Device::meta());
  adamw(flat, flat, flat, flat, {{0, 10, 0.0F}}, {}, Tensor::empty(Shape{4}, DType::F64, Device::meta()));
}

}  // namespace
}  // namespace isobath::test
