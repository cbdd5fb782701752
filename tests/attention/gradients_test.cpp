// The recorded gradients: finite differences, several roles of one tensor, gradients that nobody wants.

#include "attention/problem.hpp"

namespace isobath::test {
namespace {

OpUnderTest attention_over(const RowSet& queries, const RowSet& keys, int heads) {
  return
      [=](const std::vector<Tensor>& in) { return attention(in[0], in[1], in[2], queries, keys, heads, Mask::Causal); };
}

// A score moves by at most sqrt(D) = 2 per unit of a direction, so that two of them differ by less than pi, where the
// sum of exponentials could vanish, within 1/2.
constexpr double kRadius = 0.5;
constexpr std::int64_t kWidth = 4;

TEST(AttentionGradients, AllRows) {
  const RowSet all = RowSet::all(2, 5);
  GradCheck check;
  check.radius = kRadius;
  const Shape shape{10, 2 * kWidth};
  check_gradients(attention_over(all, all, 2), {random_leaf(shape, 1), random_leaf(shape, 2), random_leaf(shape, 3)},
                  check);
}

TEST(AttentionGradients, RaggedRowSets) {
  const std::vector<std::int32_t> query_rows{1, 2, 5, 7, 13}, key_rows{0, 1, 4, 9, 14};  // 3 sequences of 6
  GradCheck check;
  check.radius = kRadius;
  check_gradients(attention_over(RowSet::from_rows(query_rows, 3, 6), RowSet::from_rows(key_rows, 3, 6), 1),
                  {random_leaf({5, kWidth}, 4), random_leaf({5, kWidth}, 5), random_leaf({5, kWidth}, 6)}, check);
}

TEST(AttentionGradients, SharedKeyHeads) {
  const RowSet all = RowSet::all(2, 4);
  GradCheck check;
  check.radius = kRadius;
  check_gradients(attention_over(all, all, 4),
                  {random_leaf({8, 4 * kWidth}, 8), random_leaf({8, 2 * kWidth}, 9), random_leaf({8, 2 * kWidth}, 10)},
                  check);
}

// One tensor as query, key and value: three contributions meet in one buffer.
TEST(AttentionGradients, OneTensorInEveryRole) {
  const RowSet all = RowSet::all(1, 4);
  const auto op = [=](const std::vector<Tensor>& in) {
    return attention(in[0], in[0], in[0], all, all, 1, Mask::Causal);
  };
  GradCheck check;
  check.radius = kRadius / 2;  // both factors of a score move
  check_gradients(op, {random_leaf({4, kWidth}, 7)}, check);
}

TEST(AttentionGradients, WhatNobodyWantsIsLeftOut) {
  const Problem problem = make_problem(RowSet::all(2, 40), RowSet::all(2, 40), 2, 16, 8);
  const Result full = run(problem);
  for (int wanted = 0; wanted < 3; ++wanted) {
    SCOPED_TRACE(testing::Message() << "input " << wanted);
    clear_tape();
    const std::vector<float>* values[] = {&problem.q, &problem.k, &problem.v};
    Tensor inputs[3];
    LeafTensor leaf;
    for (int i = 0; i < 3; ++i)
      inputs[i] = i == wanted ? (leaf = make_leaf(problem.query_shape(), *values[i])).value
                              : Tensor::from(problem.query_shape(), *values[i]);
    const Tensor out = attention(inputs[0], inputs[1], inputs[2], problem.queries, problem.keys, 2, Mask::Causal);
    const Ledger before = ledger();
    backward(project({out}, problem.grad_out));
    const Tensor want[] = {full.grad_q, full.grad_k, full.grad_v};
    EXPECT_TRUE(same_bits(leaf.gradient, want[wanted]));
    const std::int64_t product = 2 * 2 * 16 * visible_pairs(problem.queries, problem.keys);
    EXPECT_EQ((ledger() - before).backward(), product * (wanted == 2 ? 1 : 2));
  }
}

}  // namespace
}  // namespace isobath::test
