// Attention and its gradients against double precision.

#include <cmath>

#include "attention/problem.hpp"

namespace isobath::test {
namespace {

void expect_reference(const Problem& problem) {
  const Expected expected = reference(problem);
  const Result result = run(problem);
  EXPECT_TRUE(within(result.out, expected.out, {0.0, expected.relative})) << "out";
  EXPECT_TRUE(within(result.grad_q, expected.grad_q, {0.0, expected.relative})) << "grad_q";
  EXPECT_TRUE(within(result.grad_k, expected.grad_k, {0.0, expected.relative})) << "grad_k";
  EXPECT_TRUE(within(result.grad_v, expected.grad_v, {0.0, expected.relative})) << "grad_v";
}

TEST(AttentionValues, RandomRowSets) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    expect_reference(random_problem(seed));
  }
}

TEST(AttentionValues, QueryHeadsShareKeyHeads) {
  for (const int group : {2, 3, 4})
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
      SCOPED_TRACE(testing::Message() << "group " << group << ", seed " << seed);
      expect_reference(random_problem(seed, group));
    }
  expect_reference(make_problem(RowSet::all(2, 130), RowSet::all(2, 130), 6, 64, 5, 3));
}

TEST(AttentionValues, LongSequencesCrossEveryBlockBorder) {
  for (const std::int64_t length : {63, 64, 65, 257, 300})
    for (const std::int64_t width : {16, 32, 64, 100}) {
      SCOPED_TRACE(testing::Message() << "length " << length << ", width " << width);
      expect_reference(make_problem(RowSet::all(1, length), RowSet::all(1, length), 2, width, 5));
    }
}

TEST(AttentionValues, FewQueriesSeeAllKeys) {
  std::mt19937 random(3);
  expect_reference(make_problem(choose(Choice::Few, 2, 200, random), RowSet::all(2, 200), 2, 64, 6));
}

TEST(AttentionValues, AllQueriesSeeFewKeys) {
  std::mt19937 random(4);
  expect_reference(make_problem(RowSet::all(2, 200), choose(Choice::Few, 2, 200, random), 2, 32, 7));
}

// Member i of the set is at position rows[i] % T, not at i: a query must not see the keys between.
TEST(AttentionValues, OriginalPositionsDecideVisibility) {
  const std::vector<std::int32_t> query_rows{2, 9, 13, 16}, key_rows{3, 8, 10, 12, 15};
  expect_reference(make_problem(RowSet::from_rows(query_rows, 2, 10), RowSet::from_rows(key_rows, 2, 10), 1, 8, 8));
}

TEST(AttentionValues, QueryWithoutVisibleKeyGivesZeros) {
  // Sequence 0: the only key lies behind both queries. Sequence 1: no key at all. Sequence 2: no query.
  const std::vector<std::int32_t> query_rows{0, 3, 6}, key_rows{4, 12};
  const Problem problem =
      make_problem(RowSet::from_rows(query_rows, 3, 5), RowSet::from_rows(key_rows, 3, 5), 2, 24, 9);
  const Result result = run(problem);
  for (const Tensor& tensor : {result.out, result.grad_q, result.grad_k, result.grad_v})
    EXPECT_TRUE(same_bits(tensor, Tensor::zeros(tensor.shape(), DType::F32)));
}

TEST(AttentionValues, EmptySets) {
  std::mt19937 random(1);
  const RowSet none = choose(Choice::None, 2, 6, random), all = RowSet::all(2, 6);
  expect_reference(make_problem(none, none, 2, 8, 1));
  expect_reference(make_problem(none, all, 2, 8, 2));
  expect_reference(make_problem(all, none, 2, 8, 3));
}

// Scores near +-3e4 overflow e^x unless the row's maximum is subtracted first; the largest key takes all.
TEST(AttentionValues, LargeScores) {
  constexpr std::int64_t kLength = 70, kWidth = 16;
  Problem problem = make_problem(RowSet::all(1, kLength), RowSet::all(1, kLength), 1, kWidth, 11);
  for (float& value : problem.q) value = value < 0.0F ? -100.0F : 100.0F;
  for (std::int64_t key = 0; key < kLength; ++key)
    for (std::int64_t d = 0; d < kWidth; ++d) problem.k[static_cast<std::size_t>(key * kWidth + d)] *= 100.0F;
  const Expected expected = reference(problem);
  const Result result = run(problem);
  // Scores of size S = 4e4 are wrong by up to (D + 2) eps S = 0.04, and probabilities relatively by twice that.
  const double relative = 2.0 * (kWidth + 2.0) * kEpsilon * 4e4;
  // Probabilities below the smallest normal number are 0, and there are kLength of them at most.
  constexpr double kAbsolute = kLength * 0x1p-126;
  EXPECT_TRUE(within(result.out, expected.out, {kAbsolute, relative}));
  EXPECT_TRUE(within(result.grad_v, expected.grad_v, {kAbsolute, relative}));
  for (const Tensor& tensor : {result.grad_q, result.grad_k})
    for (const double value : to_doubles(tensor)) EXPECT_TRUE(std::isfinite(value));
}

// bf16 in and out, f32 between: what remains against f32 arithmetic on the same values is the rounding of the output.
TEST(AttentionValues, BFloat16RoundsOnlyTheResult) {
  Problem problem = make_problem(RowSet::all(2, 50), RowSet::all(2, 50), 2, 40, 12);
  const auto narrow = [](std::vector<float>& values, Shape shape) {
    std::vector<bfloat16> out;
    for (float& value : values) value = static_cast<float>(out.emplace_back(value));
    return Tensor::from(shape, out);
  };
  const Tensor q = narrow(problem.q, problem.query_shape()), k = narrow(problem.k, problem.key_shape()),
               v = narrow(problem.v, problem.key_shape());
  const Tensor got = attention(q, k, v, problem.queries, problem.keys, problem.heads, Mask::Causal);
  EXPECT_EQ(got.dtype(), DType::BF16);
  constexpr double kHalfUlp = 0x1p-8;  // of 8 significant bits, relative to the smallest number of a binade
  EXPECT_TRUE(close(got, to_doubles(forward(problem)), {1e-30, kHalfUlp}));
}

}  // namespace
}  // namespace isobath::test
