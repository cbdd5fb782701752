#include "ops/bce_with_logits/bce_with_logits.hpp"

#include "support/op_run.hpp"

namespace isobath::test {
namespace {

Tensor unit_of(float value) { return Tensor::from(Shape{1}, std::vector<float>{value}); }

OpUnderTest bce(const RowSet& chosen, float scale = 1.0F, float unit = 1.0F) {
  return
      [=, unit = unit_of(unit)](const std::vector<Tensor>& in) { return bce_with_logits(in[0], chosen, scale, unit); };
}

// The textbook form with probabilities, in double.
double reference(const std::vector<float>& logits, const std::vector<std::int32_t>& chosen) {
  double total = 0.0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const bool target = std::count(chosen.begin(), chosen.end(), static_cast<std::int32_t>(i)) > 0;
    total -=
        std::log(1.0 / (1.0 + std::exp(target ? -static_cast<double>(logits[i]) : static_cast<double>(logits[i]))));
  }
  return total;
}

// Rows of both sequences: indices count over the flattened batch.
const std::vector<std::int32_t> kChosen{1, 4, 5, 11};
RowSet chosen_rows() { return RowSet::from_rows(kChosen, 2, 6); }

TEST(BceWithLogits, EqualsTheTextbookForm) {
  const Leaf logits = random_leaf(Shape{12, 1}, 1, 4.0F);
  const double expected = reference(logits.values, kChosen) * 0.01 * static_cast<double>(0.125F);
  // f64 until the end; scale is the f32 next to 0.01
  EXPECT_TRUE(close(value_of(bce(chosen_rows(), 0.01F, 0.125F), {logits}), {expected}, {0.0, 2.0 * kEpsilon}));
}

// Sums and targets are taken block by block (ops/sum/blocks.hpp): here are three.
TEST(BceWithLogits, ManyRowsHaveTheirOwnTargets) {
  const Leaf logits = random_leaf(Shape{9000}, 8, 4.0F);
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 7; i < 9000; i += 1 + i % 9) rows.push_back(i);
  const auto results = run_op(bce(RowSet::from_rows(rows, 9, 1000)), {logits});
  std::vector<double> expected(9000);
  for (std::size_t i = 0; i < 9000; ++i) expected[i] = 1.0 / (1.0 + std::exp(-static_cast<double>(logits.values[i])));
  for (const std::int32_t row : rows) expected[static_cast<std::size_t>(row)] -= 1.0;
  for (double& value : expected) value *= random_values(1, 5)[0];
  EXPECT_TRUE(close(results[0], {reference(logits.values, rows)}, {0.0, 2.0 * kEpsilon}));
  EXPECT_TRUE(close(results[1], expected, {8.0 * kEpsilon, 0.0}));  // of probabilities, at most 1
}

TEST(BceWithLogits, AllRowsChosenMeansTargetOneEverywhere) {
  const Leaf logits = random_leaf(Shape{6}, 2, 4.0F);
  const double expected = reference(logits.values, {0, 1, 2, 3, 4, 5});
  EXPECT_TRUE(close(value_of(bce(RowSet::all(2, 3)), {logits}), {expected}, {0.0, 2.0 * kEpsilon}));
}

TEST(BceWithLogits, GradientsMatchFiniteDifferences) {
  check_gradients(bce(chosen_rows()), {random_leaf(Shape{12}, 3, 3.0F)});
  check_gradients(bce(RowSet::from_rows(std::vector<std::int32_t>{}, 2, 6)), {random_leaf(Shape{12}, 4, 3.0F)});
  check_gradients(bce(RowSet::all(2, 6)), {random_leaf(Shape{12, 1}, 5, 3.0F)});
}

TEST(BceWithLogits, GradientIsProbabilityMinusTarget) {
  const Leaf logits = random_leaf(Shape{12}, 6, 30.0F);
  const float weight = random_values(1, 5)[0];
  std::vector<double> expected;
  for (std::size_t i = 0; i < 12; ++i) {
    const bool target = std::count(kChosen.begin(), kChosen.end(), static_cast<std::int32_t>(i)) > 0;
    const double sign = target ? -1.0 : 1.0;
    expected.push_back(weight * 0.5 * sign / (1.0 + std::exp(-sign * logits.values[i])));
  }
  // exp to 3 eps and five more roundings; relative, so that confident rows keep their gradient
  EXPECT_TRUE(close(run_op(bce(chosen_rows(), 0.5F), {logits})[1], expected, {0.0, 8.0 * kEpsilon}));
}

TEST(BceWithLogits, LargeLogitsNeitherOverflowNorVanish) {
  const Leaf logits{Shape{4}, {1000.0F, -1000.0F, 1000.0F, -1000.0F}};
  const auto results = run_op(bce(RowSet::from_rows(std::vector<std::int32_t>{0, 1}, 1, 4)), {logits});
  EXPECT_EQ(results[0].to_vector<float>()[0], 2000.0F);
  const float weight = random_values(1, 5)[0];
  EXPECT_TRUE(close(results[1], {0.0, -weight, weight, 0.0}, {}));
}

TEST(BceWithLogits, ANaNIsNotHidden) {
  const Leaf logits{Shape{2}, {1.0F, std::numeric_limits<float>::quiet_NaN()}};
  EXPECT_TRUE(std::isnan(value_of(bce(RowSet::all(1, 2)), {logits}).to_vector<float>()[0]));
}

TEST(BceWithLogits, NoRows) {
  EXPECT_EQ(run_op(bce(RowSet::all(0, 5)), {{Shape{0}, {}}})[0].to_vector<float>()[0], 0.0F);
}

TEST(BceWithLogits, BitsDoNotDependOnThreads) {
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 0; i < 30000; i += 1 + i % 9) rows.push_back(i);
  expect_thread_independent(bce(RowSet::from_rows(rows, 30, 1000)), {random_leaf(Shape{30000}, 7, 3.0F)});
}

TEST(BceWithLogits, RefusesAnotherNumberOfLogits) {
  EXPECT_THROW(bce_with_logits(Tensor::zeros(Shape{11}, DType::F32), chosen_rows(), 1.0F, unit_of(1.0F)),
               InternalError);
}

TEST(BceWithLogits, MetaHasShapesOnly) {
  const Tensor unit = Tensor::empty(Shape{1}, DType::F32, Device::meta());
  expect_meta([unit](const std::vector<Tensor>& in) { return bce_with_logits(in[0], RowSet::all(2, 3), 1.0F, unit); },
              {Shape{6, 1}}, Shape{1});
}

}  // namespace
}  // namespace isobath::test
