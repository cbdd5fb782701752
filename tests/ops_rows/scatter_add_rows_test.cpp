#include "ops/scatter_add_rows/scatter_add_rows.hpp"

#include "support/op_run.hpp"

namespace isobath::test {
namespace {

OpUnderTest scatter(const RowSet& rows) {
  return [rows](const std::vector<Tensor>& in) { return scatter_add_rows(in[0], in[1], rows); };
}

RowSet some_rows() { return RowSet::from_rows(std::vector<std::int32_t>{0, 3, 4, 9}, 2, 5); }

TEST(ScatterAddRows, AddsToChosenRowsAndKeepsTheBitsOfTheOthers) {
  Leaf base = random_leaf(Shape{10, 33}, 1);
  for (std::size_t i = 33; i < 66; ++i) base.values[i] = -0.0F;  // row 1 is skipped: adding 0 would make it +0
  base.values[70] = std::numeric_limits<float>::quiet_NaN();
  const Leaf update = random_leaf(Shape{4, 33}, 2);
  const Tensor from = Tensor::from(base.shape, base.values);
  const Tensor out = scatter_add_rows(from, Tensor::from(update.shape, update.values), some_rows());
  const std::int32_t source[] = {0, -1, -1, 1, 2, -1, -1, -1, -1, 3};
  for (std::int64_t row = 0; row < 10; ++row) {
    if (source[row] < 0) {
      EXPECT_TRUE(same_bits(out.slice(row * 33, Shape{33}), from.slice(row * 33, Shape{33}))) << row;
      continue;
    }
    for (std::int64_t c = 0; c < 33; ++c)
      EXPECT_EQ(out.view<float>().row(row)[c], base.values[static_cast<std::size_t>(row * 33 + c)] +
                                                   update.values[static_cast<std::size_t>(source[row] * 33 + c)]);
  }
}

TEST(ScatterAddRows, GradientsMatchFiniteDifferences) {
  check_gradients(scatter(some_rows()), {random_leaf(Shape{10, 7}, 3), random_leaf(Shape{4, 7}, 4)});
  check_gradients(scatter(RowSet::all(2, 3)), {random_leaf(Shape{6, 7}, 5), random_leaf(Shape{6, 7}, 6)});
}

TEST(ScatterAddRows, IsAdjointInTheUpdate) {
  const Tensor base = Tensor::zeros(Shape{10, 40}, DType::F32);
  expect_adjoint([&](const std::vector<Tensor>& in) { return scatter_add_rows(base, in[0], some_rows()); },
                 random_leaf(Shape{4, 40}, 7));
}

// The base's gradient is the output's handle; a later use of the base must not reach into what others hold.
TEST(ScatterAddRows, ASharedGradientIsNotWrittenTwice) {
  const auto op = [](const std::vector<Tensor>& in) {
    const Tensor twice = scatter_add_rows(in[0], in[0], RowSet::all(2, 3));  // both inputs are handed one gradient
    const Tensor again = scatter_add_rows(twice, in[1], RowSet::all(2, 3));
    return scatter_add_rows(again, twice, RowSet::all(2, 3));
  };
  const auto results = run_op(op, {random_leaf(Shape{6, 2}, 8), random_leaf(Shape{6, 2}, 9)}, 31);
  const std::vector<float> weights = random_values(12, 31);
  std::vector<double> four = to_doubles(weights);
  for (double& value : four) value *= 4.0;
  EXPECT_TRUE(close(results[1], four, {}));
  EXPECT_TRUE(close(results[2], to_doubles(weights), {}));
}

TEST(ScatterAddRows, NoRowsCopyTheBase) {
  const Leaf base = random_leaf(Shape{10, 3}, 10);
  const auto results = run_op(scatter(RowSet::from_rows(std::vector<std::int32_t>{}, 2, 5)), {base, {Shape{0, 3}, {}}});
  EXPECT_TRUE(same_bits(results[0], Tensor::from(base.shape, base.values)));
  EXPECT_TRUE(close(results[1], to_doubles(random_values(30, 5)), {}));
}

TEST(ScatterAddRows, BitsDoNotDependOnThreads) {
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 0; i < 1000; i += 1 + i % 4) rows.push_back(i);
  const auto count = static_cast<std::int64_t>(rows.size());
  expect_thread_independent(scatter(RowSet::from_rows(rows, 10, 100)),
                            {random_leaf(Shape{1000, 50}, 11), random_leaf(Shape{count, 50}, 12)});
}

TEST(ScatterAddRows, RefusesShapesThatDoNotFit) {
  const Tensor base = Tensor::zeros(Shape{10, 3}, DType::F32);
  EXPECT_THROW(scatter_add_rows(base, Tensor::zeros(Shape{3, 3}, DType::F32), some_rows()), InternalError);
  EXPECT_THROW(scatter_add_rows(base, Tensor::zeros(Shape{4, 2}, DType::F32), some_rows()), InternalError);
}

TEST(ScatterAddRows, MetaHasShapesOnly) {
  const auto index = [](std::int64_t count) { return Tensor::empty(Shape{count}, DType::I32, Device::meta()); };
  const RowSet rows = RowSet::of(index(4), index(3), index(4), 2, 5);
  expect_meta(scatter(rows), {Shape{10, 3}, Shape{4, 3}}, Shape{10, 3});
  expect_meta(scatter(RowSet::all(2, 5)), {Shape{10, 3}, Shape{10, 3}}, Shape{10, 3});
}

}  // namespace
}  // namespace isobath::test
