// sum, sum_of_squares and bce_with_logits on each device: accumulated in f64, so that against a sum in double precision
// only the last rounding to f32 shows.

#include "ops/sum/sum.hpp"

#include "gpu/bounded.hpp"
#include "gpu/placed_run.hpp"
#include "ops/bce_with_logits/bce_with_logits.hpp"
#include "ops/sum_of_squares/sum_of_squares.hpp"

namespace isobath {
namespace {

using namespace test;

class Sums : public OnDevice {
 protected:
  static Tensor unit(float value) { return Tensor::from(Shape{1}, std::vector<float>{value}, device()); }
};

// None, fewer than a vector, one block and part of another, several blocks.
constexpr std::int64_t kCounts[] = {0, 1, 7, 4096, 4099, 20001};
constexpr float kScale = 0.25F, kUnit = 0.3F;
constexpr double kFactor = double(kScale) * double(kUnit);

TEST_P(Sums, SumOfAllElements) {
  for (const std::int64_t count : kCounts)
    in_every_placement(device(), [&](const Placement& where) {
      const Input x = random_input(Shape{count}, 1, DType::F32);
      const PlacedRun run = run_placed([](const auto& in) { return sum(in[0], kScale, unit(kUnit)); }, {x}, where);
      double total = 0.0, size = 0.0;
      for (const float value : x.values) total += value, size += std::abs(value);
      Bounded want;
      want.append(kFactor * total, kEpsilon * std::abs(kFactor * total) + double(count) * 0x1p-52 * size);
      EXPECT_TRUE(within(to_doubles(run.out), want)) << count << ", " << where;
      const float each = static_cast<float>(kFactor * run.flows_in[0]);
      const std::vector<float> grad(x.values.size(), each + (where.mode == Accumulate::Add ? kBefore : 0.0F));
      EXPECT_TRUE(equal_bits(to_floats(run.grads[0]), grad)) << count << ", " << where;
    });
}

TEST_P(Sums, AccumulateInDouble) {
  // 2^24 + 1 + 1 is 2^24 in f32, whichever way it is added one by one.
  std::vector<float> values(10001, 1.0F);
  values[0] = 0x1p24F;
  const Tensor x = Tensor::from(Shape{10001}, values, device());
  EXPECT_EQ(sum(x, 1.0F, unit(1.0F)).to_vector<float>()[0], 16787216.0F);
}

// More blocks than the threads that add their sums.
TEST_P(Sums, ManyBlocks) {
  const std::vector<float> values((1 << 20) + 20001, 1.0F);
  const Tensor x = Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, values, device());
  EXPECT_EQ(sum(x, 1.0F, unit(1.0F)).to_vector<float>()[0], static_cast<float>(values.size()));
}

TEST_P(Sums, SumOfSquares) {
  for (const std::int64_t count : kCounts)
    in_every_placement(device(), [&](const Placement& where) {
      const std::vector<float> values = random_values(count, 2);
      const Tensor x = place(Shape{count}, values, DType::F32, where);
      const Tensor out = Tensor::from(Shape{1}, std::vector<double>{kBefore}, device());
      sum_of_squares(x, out, where.mode);
      double want = before(where);
      for (const float value : values) want += double(value) * value;
      // all in f64: orders differ by no more than the roundings of the additions
      EXPECT_TRUE(close(out, {want}, {0.0, double(count + 1) * 0x1p-53})) << count << ", " << where;
    });
}

TEST_P(Sums, SquaresDoNotOverflowAndShowWhatIsNotFinite) {
  const auto squares_of = [](std::vector<float> values) {
    const Tensor out = Tensor::zeros(Shape{1}, DType::F64, device());
    sum_of_squares(Tensor::from(Shape{2}, values, device()), out);
    return out.to_vector<double>()[0];
  };
  EXPECT_EQ(squares_of({0x1p100F, 0.0F}), 0x1p200);
  EXPECT_TRUE(std::isnan(squares_of({1.0F, std::numeric_limits<float>::quiet_NaN()})));
  EXPECT_TRUE(std::isinf(squares_of({1.0F, -std::numeric_limits<float>::infinity()})));
}

/// Every third row or so of `count` sequences of one row.
std::vector<std::int32_t> some_rows(std::int64_t count) {
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 2; i < count; i += 1 + i % 5) rows.push_back(i);
  return rows;
}

void expect_bce(const RowSet& chosen, const std::vector<std::int32_t>& rows, const Placement& where) {
  const Tensor unit = Tensor::from(Shape{1}, std::vector<float>{kUnit}, where.device);
  const Input logits = random_input(Shape{chosen.total()}, 3, DType::F32, 30.0F);
  const PlacedRun run =
      run_placed([&](const auto& in) { return bce_with_logits(in[0], chosen, kScale, unit); }, {logits}, where);
  std::vector<double> signs(logits.values.size(), 1.0);
  for (const std::int32_t row : rows) signs[static_cast<std::size_t>(row)] = -1.0;
  double total = 0.0;
  Bounded grad;
  for (std::size_t i = 0; i < signs.size(); ++i) {
    const double value = signs[i] * logits.values[i];
    total += std::log1p(std::exp(value));
    const double slope = run.flows_in[0] * kFactor * signs[i] / (1.0 + std::exp(-value));
    grad.append(slope, 8.0 * kEpsilon * std::abs(slope));  // exp to 3 eps and five more roundings
  }
  EXPECT_TRUE(close(run.out, {kFactor * total}, {0.0, 2.0 * kEpsilon})) << signs.size() << ", " << where;
  EXPECT_TRUE(within(to_doubles(run.grads[0]), plus(grad, before(where), kEpsilon))) << signs.size() << ", " << where;
}

TEST_P(Sums, BinaryCrossEntropy) {
  for (const std::int64_t count : kCounts)
    in_every_placement(device(), [&](const Placement& where) {
      const std::vector<std::int32_t> rows = some_rows(count);
      expect_bce(RowSet::from_rows(rows, count, 1, device()), rows, where);
    });
}

TEST_P(Sums, BinaryCrossEntropyOfAllRowsOrNone) {
  std::vector<std::int32_t> every;
  for (std::int32_t i = 0; i < 70; ++i) every.push_back(i);
  expect_bce(RowSet::all(7, 10), every, {device()});
  expect_bce(RowSet::from_rows(std::vector<std::int32_t>{}, 7, 10, device()), {}, {device()});
}

TEST_P(Sums, BinaryCrossEntropyShowsANaN) {
  const Tensor logits =
      Tensor::from(Shape{2}, std::vector<float>{1.0F, std::numeric_limits<float>::quiet_NaN()}, device());
  EXPECT_TRUE(std::isnan(bce_with_logits(logits, RowSet::all(1, 2), 1.0F, unit(1.0F)).to_vector<float>()[0]));
}

ON_EVERY_DEVICE(Sums);

}  // namespace
}  // namespace isobath
