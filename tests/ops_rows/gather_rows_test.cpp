#include "ops/gather_rows/gather_rows.hpp"

#include "support/op_run.hpp"

namespace isobath::test {
namespace {

Tensor rows_of(const std::vector<std::int32_t>& rows) {
  return Tensor::from(Shape{static_cast<std::int64_t>(rows.size())}, rows);
}

OpUnderTest by_list(const std::vector<std::int32_t>& rows) {
  return [list = rows_of(rows)](const std::vector<Tensor>& in) { return gather_rows(in[0], list); };
}

OpUnderTest by_set(const RowSet& rows) {
  return [rows](const std::vector<Tensor>& in) { return gather_rows(in[0], rows); };
}

// Repeated, descending and unnamed rows.
const std::vector<std::int32_t> kRows{5, 0, 5, 2, 5, 1};

TEST(GatherRows, CopiesRowsBitForBit) {
  const Leaf x = random_leaf(Shape{7, 5}, 1);
  const Tensor out = gather_rows(Tensor::from(x.shape, x.values), rows_of(kRows));
  ASSERT_EQ(out.shape(), (Shape{6, 5}));
  for (std::int64_t i = 0; i < 6; ++i)
    for (std::int64_t c = 0; c < 5; ++c)
      EXPECT_EQ(out.view<float>().row(i)[c],
                x.values[static_cast<std::size_t>(kRows[static_cast<std::size_t>(i)] * 5 + c)]);
}

TEST(GatherRows, TheIdentityReturnsTheTensorItself) {
  const Tensor x = Tensor::zeros(Shape{6, 3}, DType::F32);
  EXPECT_EQ(gather_rows(x, RowSet::all(2, 3)).raw(), x.raw());
}

TEST(GatherRows, GradientMatchesFiniteDifferences) {
  check_gradients(by_list(kRows), {random_leaf(Shape{7, 5}, 2)});
  check_gradients(by_set(RowSet::from_rows(std::vector<std::int32_t>{0, 3, 4, 9}, 2, 5)),
                  {random_leaf(Shape{10, 70}, 3)});
}

TEST(GatherRows, IsAdjointToItsGradient) {
  expect_adjoint(by_list(kRows), random_leaf(Shape{7, 130}, 4));
  expect_adjoint(by_set(RowSet::from_rows(std::vector<std::int32_t>{1, 2, 6}, 2, 4)), random_leaf(Shape{8, 130}, 5));
}

TEST(GatherRows, RepeatedRowsAddInAscendingOrder) {
  // In f32 (1 + 2^24) - 2^24 is 0 from the left and 1 in any order that ends with the 1.
  const LeafTensor x = make_leaf(Shape{2, 1}, {0.0F, 0.0F});
  Tensor out = gather_rows(x.value, rows_of({1, 1, 1}));
  backward(project({out}, {1.0F, 0x1p24F, -0x1p24F}));
  EXPECT_EQ(x.gradient.to_vector<float>(), (std::vector<float>{0.0F, 0.0F}));
}

TEST(GatherRows, AscendingPathEqualsTheGeneralOne) {
  const std::vector<std::int32_t> rows{0, 2, 3, 11, 17};
  const Leaf x = random_leaf(Shape{18, 33}, 6);
  const auto set = run_op(by_set(RowSet::from_rows(rows, 3, 6)), {x}), list = run_op(by_list(rows), {x});
  EXPECT_TRUE(same_bits(set[0], list[0]));
  EXPECT_TRUE(same_bits(set[1], list[1]));
}

TEST(GatherRows, NoRowsGiveAnEmptyTensorAndAZeroGradient) {
  for (const OpUnderTest& op : {by_list({}), by_set(RowSet::from_rows(std::vector<std::int32_t>{}, 2, 2))}) {
    const auto results = run_op(op, {random_leaf(Shape{4, 3}, 7)});
    EXPECT_EQ(results[0].shape(), (Shape{0, 3}));
    EXPECT_TRUE(same_bits(results[1], Tensor::zeros(Shape{4, 3}, DType::F32)));
  }
}

TEST(GatherRows, BitsDoNotDependOnThreads) {
  std::vector<std::int32_t> repeated, ascending;
  for (std::int32_t i = 0; i < 900; ++i) repeated.push_back(i * i % 37);  // few rows take nearly everything
  for (std::int32_t i = 0; i < 900; i += 1 + i % 3) ascending.push_back(i);
  expect_thread_independent(by_list(repeated), {random_leaf(Shape{900, 65}, 8)});
  expect_thread_independent(by_set(RowSet::from_rows(ascending, 9, 100)), {random_leaf(Shape{900, 65}, 9)});
}

TEST(GatherRows, SumsBf16GradientsInF32) {
  // 1 + 256 * 2^-8 is 2; rounding to bf16 after every addition would stay at 1.
  std::vector<bfloat16> grad(257, bfloat16(0x1p-8F));
  grad[0] = bfloat16(1.0F);
  const Tensor grad_out = Tensor::from(Shape{257, 1}, grad), grad_x = Tensor::zeros(Shape{1, 1}, DType::BF16);
  const Tensor rows = Tensor::zeros(Shape{257}, DType::I32);
  kernel::gather_rows_backward<bfloat16>(CpuQueue{}, grad_out.view<const bfloat16>(), rows.view<const std::int32_t>(),
                                         RowOrder::Any, Accumulate::Overwrite, grad_x.view<bfloat16>());
  EXPECT_EQ(static_cast<float>(grad_x.view<bfloat16>()[0]), 2.0F);
}

TEST(GatherRows, RefusesRowsOutOfRange) {
  const Tensor x = Tensor::zeros(Shape{4, 2}, DType::F32);
  EXPECT_THROW(gather_rows(x, rows_of({0, 4})), InternalError);
  EXPECT_THROW(gather_rows(x, rows_of({-1})), InternalError);
  EXPECT_THROW(gather_rows(x, RowSet::all(2, 3)), InternalError);
}

TEST(GatherRows, MetaHasShapesOnly) {
  const Tensor rows = Tensor::empty(Shape{3}, DType::I32, Device::meta());
  expect_meta([rows](const std::vector<Tensor>& in) { return gather_rows(in[0], rows); }, {Shape{9, 4}}, Shape{3, 4});
}

}  // namespace
}  // namespace isobath::test
