// Forward: a block of queries meets all the keys it sees at once, so that softmax is the plain two-pass one over a
// strip of scores [kQueryBlock, keys], which is linear in T and needs no rescaling.

#include <cmath>

#include "ops/attention/attention.hpp"
#include "ops/attention/cpu/pack.hpp"
#include "ops/attention/cpu/softmax_rows.hpp"
#include "ops/attention/cpu/tile_product.hpp"
#include "ops/attention/cpu/work.hpp"

namespace isobath {
namespace flash {
namespace {

// Queries whose scores are held at once: 24 rows of 256 scores fill half of a 48 KiB L1 cache.
constexpr std::int64_t kQueryBlock = 24;
static_assert(kQueryBlock % kGroup == 0 && kGroup % kRowGranule == 0);

struct ForwardScratch {
  ForwardScratch(Arena arena, std::int64_t queries, std::int64_t keys, std::int64_t width)
      : seen(arena.take<std::int32_t>(queries)),
        key_panels(arena.take<float>(panels_floats(keys, width))),
        values(arena.take<float>(keys * padded(width))),
        block(arena.take<float>(kQueryBlock * padded(width))),
        out(arena.take<float>(kQueryBlock * padded(width))),
        scores(arena.take<float>(kQueryBlock * padded(keys))),
        bytes(arena.used()) {}

  std::int32_t* seen;  // of each query of the task
  float* key_panels;
  float* values;  // [keys, padded(D)]
  float* block;   // scaled queries [kQueryBlock, padded(D)]
  float* out;     // [kQueryBlock, padded(D)]
  float* scores;  // [kQueryBlock, padded(keys)]
  std::size_t bytes;
};

template <class T>
class ForwardTask {
 public:
  ForwardTask(const kernel::AttentionInputs<T>& in, View<T> out, View<float> log2_sum, const Task& task,
              const ForwardScratch& scratch)
      : task_(task),
        scratch_(scratch),
        width_(in.head_width()),
        q_(head_of<const T>(in.q, in.queries.begin(task.sequence), task.head, width_)),
        k_(head_of<const T>(in.k, in.keys.begin(task.sequence), task.head / in.group(), width_)),
        v_(head_of<const T>(in.v, in.keys.begin(task.sequence), task.head / in.group(), width_)),
        out_(head_of<T>(out, in.queries.begin(task.sequence), task.head, width_)),
        log2_sum_(log2_sum.data ? log2_sum.row(task.head) + in.queries.begin(task.sequence) : nullptr) {
    visible_keys(in.queries, in.keys, task.sequence, task.queries.begin, task.queries.end, scratch_.seen);
  }

  void run() const {
    const Range rows = task_.queries;
    if (rows.count() == 0) return;
    const std::int64_t keys = scratch_.seen[rows.count() - 1];
    pack_panels(k_, 0, keys, scratch_.key_panels);
    pack_rows(v_, 0, keys, 1.0F, scratch_.values);
    for (std::int64_t first = rows.begin; first < rows.end; first += kQueryBlock)
      attend({first, std::min(first + kQueryBlock, rows.end)}, padded(keys));
  }

 private:
  // `stride`: of the rows of scores.
  void attend(Range rows, std::int64_t stride) const {
    const std::int32_t* seen = scratch_.seen + (rows.begin - task_.queries.begin);
    prefetch<1>(out_, rows.begin, rows.count());
    prefetch<0>(q_, rows.end, kQueryBlock);
    pack_rows(q_, rows.begin, rows.count(), kLog2E / std::sqrt(static_cast<float>(width_)), scratch_.block);
    for (std::int64_t panel = 0; panel < seen[rows.count() - 1]; panel += kPanel)
      score(rows.count(), seen, panel, stride);
    const std::int64_t columns = padded(width_);
    const auto keys = [&](std::int64_t, std::int64_t last) { return std::int64_t{seen[last]}; };
    for_runs(rows.count(), keys, [&](std::int64_t row, std::int64_t count, std::int64_t visible) {
      float* scores = scratch_.scores + row * stride;
      RowNorm norms[kQueryBlock];
      for (std::int64_t i = 0; i < count; ++i)
        norms[i] = softmax_row(scores + i * stride, seen[row + i], padded(visible));
      multiply<Start::Zero>({count, columns, visible}, RowMajor{scores, stride}, scratch_.values, columns, scratch_.out,
                            columns);
      for (std::int64_t i = 0; i < count; ++i) finish(rows.begin + row + i, scratch_.out + i * columns, norms[i]);
    });
  }

  // Scores of the block's rows with the keys of one panel, as far as they are visible.
  void score(std::int64_t rows, const std::int32_t* seen, std::int64_t panel, std::int64_t stride) const {
    const auto keys = [&](std::int64_t, std::int64_t last) {
      return std::clamp<std::int64_t>(padded(seen[last] - panel), 0, kPanel);
    };
    for_runs(rows, keys, [&](std::int64_t row, std::int64_t count, std::int64_t columns) {
      const RowMajor queries = RowMajor{scratch_.block, padded(width_)}.from_row(row);
      multiply<Start::Zero>({count, columns, width_}, queries,
                            scratch_.key_panels + panel / kPanel * panel_floats(width_), kPanel,
                            scratch_.scores + row * stride + panel, stride);
    });
  }

  void finish(std::int64_t row, const float* sums, RowNorm norm) const {
    T* to = out_.row(row);
#pragma omp simd
    for (std::int64_t d = 0; d < width_; ++d) round_to(to[d], norm.weight * sums[d]);
    if (log2_sum_) log2_sum_[row] = norm.log2_sum;
  }

  const Task& task_;
  const ForwardScratch& scratch_;
  std::int64_t width_;
  Head<const T> q_, k_, v_;
  Head<T> out_;
  float* log2_sum_;
};

}  // namespace
}  // namespace flash

namespace kernel {

template <class T>
void attention(CpuQueue, const AttentionInputs<T>& in, View<T> out, View<float> log2_sum) {
  const auto tasks = flash::plan_forward({in.queries, in.keys, in.heads, kernel_threads()});
  const auto scratch = [&](flash::Arena arena) {
    return flash::ForwardScratch(arena, in.queries.longest(), in.keys.longest(), in.head_width());
  };
  flash::run_tasks(tasks, scratch({}).bytes, [&](const flash::Task& task, flash::Arena arena) {
    const flash::ForwardScratch mine = scratch(arena);
    flash::ForwardTask<T>(in, out, log2_sum, task, mine).run();
  });
}

template void attention<float>(CpuQueue, const AttentionInputs<float>&, View<float>, View<float>);
template void attention<bfloat16>(CpuQueue, const AttentionInputs<bfloat16>&, View<bfloat16>, View<float>);

}  // namespace kernel
}  // namespace isobath
