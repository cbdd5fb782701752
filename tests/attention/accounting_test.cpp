// Memory, FLOPs, the meta device, and calls that are refused.

#include "attention/problem.hpp"
#include "ops/core/threads.hpp"

namespace isobath::test {
namespace {

std::int64_t peak_of(std::int64_t length) {
  const Problem problem = make_problem(RowSet::all(1, length), RowSet::all(1, length), 2, 64, 1);
  const std::int64_t before = allocator_stats(DeviceKind::Cpu).bytes_in_use;
  reset_allocator_peak(DeviceKind::Cpu);
  run(problem);
  return allocator_stats(DeviceKind::Cpu).bytes_peak - before;
}

TEST(AttentionMemory, IsLinearInTheLength) {
  const std::int64_t half = peak_of(512), full = peak_of(1024);
  EXPECT_LE(full, 2.2 * half);
  EXPECT_GE(full, 1.8 * half);  // or the measurement sees nothing
}

TEST(AttentionMemory, ASteadyStepAsksTheSystemForNothing) {
  const Problem problem = make_problem(RowSet::all(2, 100), RowSet::all(2, 100), 2, 32, 1);
  run(problem);
  run(problem);
  const std::int64_t blocks = allocator_stats(DeviceKind::Cpu).blocks_created;
  run(problem);
  EXPECT_EQ(allocator_stats(DeviceKind::Cpu).blocks_created, blocks);
}

// Beside the inputs, backward needs the output, which lives anyway, and one number per row and head.
TEST(AttentionMemory, SavesOneNumberPerRowAndHead) {
  constexpr std::int64_t kRows = 2 * 128, kHeads = 4;
  const Problem problem = make_problem(RowSet::all(2, 128), RowSet::all(2, 128), kHeads, 16, 1);
  clear_tape();
  const LeafTensor q = make_leaf(problem.query_shape(), problem.q);
  const Tensor k = Tensor::from(problem.key_shape(), problem.k), v = Tensor::from(problem.key_shape(), problem.v);
  const std::int64_t before = allocator_stats(DeviceKind::Cpu).bytes_in_use;
  const Tensor out = attention(q.value, k, v, problem.queries, problem.keys, kHeads, Mask::Causal);
  const std::int64_t saved = allocator_stats(DeviceKind::Cpu).bytes_in_use - before;
  EXPECT_EQ(saved, static_cast<std::int64_t>(out.bytes()) + kRows * kHeads * 4);
  clear_tape();
}

std::int64_t forward_flops(const Problem& problem) {
  const Ledger before = ledger();
  forward(problem);
  return (ledger() - before).forward();
}

TEST(AttentionFlops, FourPerWidthAndVisiblePair) {
  const RowSet all = RowSet::all(3, 50);
  EXPECT_EQ(forward_flops(make_problem(all, all, 2, 8, 1)), 4 * 8 * 2 * 3 * (50 * 51 / 2));
  const std::vector<std::int32_t> query_rows{0, 4, 9}, key_rows{1, 4, 5, 8};  // 2 sequences of 5: 0 + 2, 2 pairs
  const RowSet queries = RowSet::from_rows(query_rows, 2, 5), keys = RowSet::from_rows(key_rows, 2, 5);
  EXPECT_EQ(forward_flops(make_problem(queries, keys, 1, 8, 1)), 4 * 8 * 4);
}

TEST(AttentionFlops, EveryQueryHeadCounts) {
  const RowSet all = RowSet::all(3, 50);
  EXPECT_EQ(forward_flops(make_problem(all, all, 6, 8, 1, 3)), forward_flops(make_problem(all, all, 6, 8, 1)));
}

TEST(AttentionFlops, BackwardIsTwiceForward) {
  const Problem problem = random_problem(5);
  const Ledger before = ledger();
  run(problem);
  const Ledger spent = ledger() - before;
  EXPECT_GT(spent.forward(), 0);
  EXPECT_EQ(spent.backward(), 2 * spent.forward());
}

Tensor on_meta(Shape shape, DType dtype = DType::F32) { return Tensor::empty(shape, dtype, Device::meta()); }

RowSet unknown_rows(std::int64_t count, std::int64_t batch, std::int64_t length) {
  return RowSet::of(on_meta({count}, DType::I32), on_meta({batch + 1}, DType::I32), on_meta({count}, DType::I32), batch,
                    length);
}

std::int64_t flops_on_meta(const RowSet& queries, const RowSet& keys) {
  const Tensor q = on_meta({queries.size(), 16}), k = on_meta({keys.size(), 16}), v = on_meta({keys.size(), 16});
  const Ledger before = ledger();
  const Tensor out = attention(q, k, v, queries, keys, 2, Mask::Causal);
  EXPECT_TRUE(out.device().is_meta());
  EXPECT_EQ(out.shape(), q.shape());
  return (ledger() - before).forward();
}

TEST(AttentionMeta, CountsWhatTheCpuWould) {
  constexpr std::int64_t kPerPair = 4 * 16;
  const RowSet all = RowSet::all(4, 64), chosen = unknown_rows(4 * 8, 4, 64);
  EXPECT_EQ(flops_on_meta(all, all), kPerPair * 4 * (64 * 65 / 2));
  EXPECT_EQ(flops_on_meta(chosen, chosen), kPerPair * 4 * (8 * 9 / 2));
  EXPECT_EQ(flops_on_meta(chosen, all), kPerPair * 4 * (8 * 65 / 2));  // evenly spread: 65 / 2 keys each
  EXPECT_EQ(flops_on_meta(all, chosen), kPerPair * 4 * (8 * 65 / 2));
}

TEST(AttentionChecks, RefuseWhatDoesNotFit) {
  const RowSet all = RowSet::all(2, 3);
  const auto values = [](std::int64_t rows, std::int64_t columns) {
    return Tensor::zeros({rows, columns}, DType::F32);
  };
  const Tensor good = values(6, 8);
  const auto call = [&](const Tensor& q, const Tensor& k, const Tensor& v, const RowSet& keys, int heads) {
    return attention(q, k, v, all, keys, heads, Mask::Causal);
  };
  EXPECT_NO_THROW(call(good, good, good, all, 2));
  EXPECT_THROW(call(good, good, good, all, 3), InternalError);
  EXPECT_THROW(call(good, good, good, all, 0), InternalError);
  EXPECT_THROW(call(values(6, 4), good, good, all, 2), InternalError);
  EXPECT_THROW(call(good, good, values(6, 4), all, 2), InternalError);
  EXPECT_NO_THROW(call(good, values(6, 4), values(6, 4), all, 4));  // two key heads of width 2
  EXPECT_THROW(call(good, values(6, 6), values(6, 6), all, 4), InternalError);
  EXPECT_THROW(call(good, values(6, 3), values(6, 3), all, 4), InternalError);
  EXPECT_THROW(call(values(5, 8), good, good, all, 2), InternalError);
  EXPECT_THROW(call(good, good, good, RowSet::all(3, 2), 2), InternalError);
  EXPECT_THROW(call(Tensor::zeros({6, 8}, DType::BF16), good, good, all, 2), InternalError);
  EXPECT_THROW(call(on_meta({6, 8}), good, good, all, 2), InternalError);
  EXPECT_THROW(call(good, values(4, 8), values(4, 8), unknown_rows(4, 2, 3), 2), InternalError);
}

}  // namespace
}  // namespace isobath::test
