#include "ops/top_k/top_k.hpp"

#include <limits>

#include "support/op_run.hpp"

namespace isobath::test {
namespace {

using Indices = std::vector<std::int32_t>;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

RowSet choose(const std::vector<float>& scores, std::int64_t batch, std::int64_t k) {
  const auto count = static_cast<std::int64_t>(scores.size());
  return top_k(Tensor::from(Shape{count}, scores), batch, count / batch, k);
}

TEST(TopK, ListsRowsOffsetsAndOriginalPositions) {
  const RowSet set = choose({1, 9, 3, 7, 2, 8, 6, 4}, 2, 2);
  EXPECT_EQ(set.rows().to_vector<std::int32_t>(), (Indices{1, 3, 5, 6}));
  EXPECT_EQ(set.offsets().to_vector<std::int32_t>(), (Indices{0, 2, 4}));
  EXPECT_EQ(set.positions().to_vector<std::int32_t>(), (Indices{1, 3, 1, 2}));
}

TEST(TopK, TiesGoToTheLowerIndex) {
  EXPECT_EQ(choose({5, 5, 5, 5}, 1, 2).rows().to_vector<std::int32_t>(), (Indices{0, 1}));
  EXPECT_EQ(choose({1, 5, 7, 5, 5}, 1, 3).rows().to_vector<std::int32_t>(), (Indices{1, 2, 3}));
}

TEST(TopK, ZerosOfBothSignsTie) {
  EXPECT_EQ(choose({-1.0F, -0.0F, 0.0F, -0.0F}, 1, 2).rows().to_vector<std::int32_t>(), (Indices{1, 2}));
  EXPECT_EQ(choose({0.0F, -0.0F}, 1, 1).rows().to_vector<std::int32_t>(), (Indices{0}));
}

TEST(TopK, NaNRanksBelowMinusInfinityAndIsStillChosenToMakeExactlyK) {
  EXPECT_EQ(choose({kNaN, -kInfinity, kNaN, kInfinity}, 1, 2).rows().to_vector<std::int32_t>(), (Indices{1, 3}));
  EXPECT_EQ(choose({kNaN, -kInfinity, -kNaN, kInfinity}, 1, 3).rows().to_vector<std::int32_t>(), (Indices{0, 1, 3}));
}

TEST(TopK, AllRowsAreTheWholeBatch) {
  EXPECT_EQ(choose({3, 1, 2, 9}, 2, 2).rows().to_vector<std::int32_t>(), (Indices{0, 1, 2, 3}));
}

TEST(TopK, DoesNotDependOnThreads) {
  const std::vector<float> scores = random_values(1200, 3);
  const ThreadScope scope(1);
  const auto one = choose(scores, 12, 17).rows().to_vector<std::int32_t>();
  const ThreadScope wider(3);
  EXPECT_EQ(choose(scores, 12, 17).rows().to_vector<std::int32_t>(), one);
}

TEST(TopK, RefusesKOutsideTheSequence) {
  EXPECT_THROW(choose({1, 2}, 1, 0), InternalError);
  EXPECT_THROW(choose({1, 2}, 1, 3), InternalError);
}

TEST(TopK, MetaHasExactlyKRowsOfEverySequence) {
  const RowSet set = top_k(Tensor::empty(Shape{12}, DType::F32, Device::meta()), 3, 4, 2);
  EXPECT_EQ(set.size(), 6);
  EXPECT_EQ(set.offsets().shape(), (Shape{4}));
  EXPECT_EQ(set.positions().shape(), (Shape{6}));
  EXPECT_TRUE(set.rows().device().is_meta());
}

TEST(RowsAbove, AnyNumberPerSequence) {
  const std::vector<float> scores{0.5F, 1.5F, kNaN, 1.0F, -1, -2, -3, -4, 2, kInfinity, 3, 4};
  const RowSet set = rows_above(Tensor::from(Shape{12}, scores), 3, 4, 1.0F);
  EXPECT_EQ(set.rows().to_vector<std::int32_t>(), (Indices{1, 8, 9, 10, 11}));
  EXPECT_EQ(set.offsets().to_vector<std::int32_t>(), (Indices{0, 1, 1, 5}));
  EXPECT_EQ(set.positions().to_vector<std::int32_t>(), (Indices{1, 0, 1, 2, 3}));
}

TEST(RowsAbove, NoneAtAllIsAnEmptySetAndNotTheIdentity) {
  const RowSet set = rows_above(Tensor::zeros(Shape{6}, DType::F32), 2, 3, 0.0F);
  EXPECT_EQ(set.size(), 0);
  EXPECT_FALSE(set.is_all());
}

TEST(RowsAbove, OnMetaTheCountIsUnknown) {
  EXPECT_THROW(rows_above(Tensor::empty(Shape{6}, DType::F32, Device::meta()), 2, 3, 0.0F), InternalError);
}

}  // namespace
}  // namespace isobath::test
