#include "ops/dropout/dropout.hpp"

#include "ops/gather_rows/gather_rows.hpp"
#include "support/op_run.hpp"

namespace isobath::test {
namespace {

constexpr float kP = 0.3F;

constexpr RandomKey kKey{1234, Purpose::Dropout, 7, 3};

Tensor word_of(const RandomKey& key) {
  return Tensor::from(Shape{1}, std::vector<std::int64_t>{static_cast<std::int64_t>(key.word())});
}

DropoutKey key_for(const std::vector<std::int64_t>& samples, std::uint64_t channel0 = 0) {
  return {word_of(kKey), channel0, Tensor::from(Shape{static_cast<std::int64_t>(samples.size())}, samples)};
}

OpUnderTest dropped(const RowSet& rows, const DropoutKey& key, float p = kP) {
  return [=](const std::vector<Tensor>& in) { return dropout(in[0], rows, p, key); };
}

Tensor ones(std::int64_t rows, std::int64_t columns) {
  return Tensor::from(Shape{rows, columns}, std::vector<float>(static_cast<std::size_t>(rows * columns), 1.0F));
}

// Sample indices beyond 2^32 and channels beyond one batch of draws.
const std::vector<std::int64_t> kSamples{5, (std::int64_t{1} << 33) + 9};

TEST(Dropout, DecidesByTheDocumentedDraw) {
  for (const std::uint64_t channel0 : {std::uint64_t{0}, std::uint64_t{384}, std::uint64_t{6}, std::uint64_t{1021}}) {
    const std::int64_t length = 3, columns = 300;
    const DropoutKey key = key_for(kSamples, channel0);
    const Tensor out = dropout(ones(6, columns), RowSet::all(2, length), kP, key);
    for (std::int64_t i = 0; i < 6; ++i)
      for (std::int64_t c = 0; c < columns; ++c) {
        const std::uint64_t channel = channel0 + static_cast<std::uint64_t>(c);
        const auto sample = static_cast<std::uint64_t>(kSamples[static_cast<std::size_t>(i / length)]);
        const auto draws = draw4(kKey.words(), sample, static_cast<std::uint64_t>(i % length), channel / 4);
        const float expected = to_uniform(draws[channel % 4]) < kP ? 0.0F : 1.0F / (1.0F - kP);
        ASSERT_EQ(out.view<float>().row(i)[c], expected) << "row " << i << ", channel " << channel;
      }
  }
}

TEST(Dropout, PackedAndDenseRowsMakeTheSameDecision) {
  const RowSet rows = RowSet::from_rows(std::vector<std::int32_t>{1, 4, 5, 8, 13}, 2, 7), all = RowSet::all(2, 7);
  const Tensor x = Tensor::from(Shape{14, 70}, random_values(980, 1));
  const DropoutKey key = key_for(kSamples);
  EXPECT_TRUE(same_bits(dropout(gather_rows(x, rows), rows, kP, key), gather_rows(dropout(x, all, kP, key), rows)));
}

TEST(Dropout, DoesNotDependOnWhichSequencesShareABatch) {
  const Tensor x = Tensor::from(Shape{8, 20}, random_values(160, 2));
  const Tensor together = dropout(x, RowSet::all(2, 4), kP, key_for(kSamples));
  for (std::int64_t s = 0; s < 2; ++s) {
    const Tensor alone =
        dropout(x.slice(s * 80, Shape{4, 20}), RowSet::all(1, 4), kP, key_for({kSamples[static_cast<std::size_t>(s)]}));
    EXPECT_TRUE(same_bits(alone, together.slice(s * 80, Shape{4, 20}))) << s;
  }
}

TEST(Dropout, EveryPartOfTheKeyMatters) {
  const auto mask = [](const DropoutKey& key) { return dropout(ones(2, 64), RowSet::all(1, 2), kP, key); };
  const DropoutKey key = key_for({4});
  DropoutKey step = key, layer = key, seed = key;
  step.key = word_of({1234, Purpose::Dropout, 8, 3});
  layer.key = word_of({1234, Purpose::Dropout, 7, 4});
  seed.key = word_of({1235, Purpose::Dropout, 7, 3});
  for (const DropoutKey& other : {step, layer, seed, key_for({5}), key_for({4}, 64)})
    EXPECT_FALSE(same_bits(mask(other), mask(key)));
  EXPECT_FALSE(same_bits(mask(key).slice(0, Shape{64}), mask(key).slice(64, Shape{64})));  // positions
}

TEST(Dropout, KeysOfAStepAreThoseOfItsLayers) {
  const std::vector<std::int64_t> keys = dropout_keys(1234, 7, 5, Device::cpu()).to_vector<std::int64_t>();
  ASSERT_EQ(keys.size(), 5U);
  EXPECT_EQ(keys[3], static_cast<std::int64_t>(kKey.word()));
  EXPECT_EQ(keys[0], static_cast<std::int64_t>(RandomKey{1234, Purpose::Dropout, 7, 0}.word()));
}

TEST(Dropout, DropsTheShareAskedFor) {
  const std::int64_t count = 512 * 512;
  const auto values = dropout(ones(512, 512), RowSet::all(2, 256), kP, key_for(kSamples)).to_vector<float>();
  const auto zeros = static_cast<double>(std::count(values.begin(), values.end(), 0.0F));
  const double deviation = std::sqrt(static_cast<double>(count) * kP * (1.0 - kP));  // binomial
  EXPECT_NEAR(zeros, static_cast<double>(count) * kP, 5.0 * deviation);
}

TEST(Dropout, GradientMatchesFiniteDifferencesAndTheAdjoint) {
  const RowSet rows = RowSet::from_rows(std::vector<std::int32_t>{1, 4, 5, 8, 13}, 2, 7);
  check_gradients(dropped(rows, key_for(kSamples)), {random_leaf(Shape{5, 30}, 3)});
  expect_adjoint(dropped(RowSet::all(2, 7), key_for(kSamples, 2)), random_leaf(Shape{14, 40}, 4));
}

TEST(Dropout, ProbabilityZeroReturnsTheTensorItself) {
  const Tensor x = ones(2, 3);
  EXPECT_EQ(dropout(x, RowSet::all(1, 2), 0.0F, key_for({1})).raw(), x.raw());
}

TEST(Dropout, NoRows) {
  const RowSet none = RowSet::from_rows(std::vector<std::int32_t>{}, 2, 7);
  EXPECT_EQ(run_op(dropped(none, key_for(kSamples)), {{Shape{0, 9}, {}}})[0].shape(), (Shape{0, 9}));
}

TEST(Dropout, BitsDoNotDependOnThreads) {
  expect_thread_independent(dropped(RowSet::all(2, 300), key_for(kSamples, 1)), {random_leaf(Shape{600, 61}, 5)});
}

TEST(Dropout, RefusesWhatCannotBe) {
  EXPECT_THROW(dropout(ones(2, 3), RowSet::all(1, 2), 1.0F, key_for({1})), InternalError);
  EXPECT_THROW(dropout(ones(2, 3), RowSet::all(1, 2), -0.1F, key_for({1})), InternalError);
  EXPECT_THROW(dropout(ones(2, 3), RowSet::all(1, 3), kP, key_for({1})), InternalError);
  EXPECT_THROW(dropout(ones(2, 3), RowSet::all(2, 1), kP, key_for({1})), InternalError);
}

TEST(Dropout, MetaHasShapesOnly) {
  DropoutKey key = key_for(kSamples);
  key.samples = Tensor::empty(Shape{2}, DType::I64, Device::meta());
  key.key = Tensor::empty(Shape{1}, DType::I64, Device::meta());
  expect_meta(dropped(RowSet::all(2, 3), key), {Shape{6, 5}}, Shape{6, 5});
}

}  // namespace
}  // namespace isobath::test
