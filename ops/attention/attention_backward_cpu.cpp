// Backward: key blocks outside, query blocks of one head after the other inside. Scores of a tile are recomputed from
// the packed operands; the gradients of a key block stay in its tile buffers while the queries of all heads that share
// it pass, those of the queries in a strip of the task.

#include <cmath>

#include "ops/attention/attention.hpp"
#include "ops/attention/cpu/pack.hpp"
#include "ops/attention/cpu/softmax_rows.hpp"
#include "ops/attention/cpu/tile_product.hpp"
#include "ops/attention/cpu/work.hpp"

namespace isobath {
namespace flash {
namespace {

constexpr std::int64_t kKeyBlock = kPanel;
constexpr std::int64_t kGradQueryBlock = 96;
static_assert(kGradQueryBlock % kGroup == 0 && kKeyBlock % kRowGranule == 0);

/// Rows between two heads of a task: a product may begin at any row, and write up to a granule behind the last one.
constexpr std::int64_t rows_apart(std::int64_t queries) { return queries + kRowGranule; }

struct BackwardScratch {
  /// `rows`: of all heads of a task, rows_apart each.
  BackwardScratch(Arena arena, std::int64_t queries, std::int64_t rows, std::int64_t width)
      : seen(arena.take<std::int32_t>(queries)),
        delta(arena.take<float>(rows)),
        q(arena.take<float>(rows * padded(width))),
        grad_out(arena.take<float>(rows * padded(width))),
        grad_q(arena.take<float>(rows * padded(width))),
        k(arena.take<float>(kKeyBlock * padded(width))),
        k_panel(arena.take<float>(panel_floats(width))),
        v_panel(arena.take<float>(panel_floats(width))),
        grad_k(arena.take<float>(kKeyBlock * padded(width))),
        grad_v(arena.take<float>(kKeyBlock * padded(width))),
        scores(arena.take<float>(kGradQueryBlock * kKeyBlock)),
        slopes(arena.take<float>(kGradQueryBlock * kKeyBlock)),
        bytes(arena.used()) {}

  std::int32_t* seen;  // of each query of the task
  float* delta;        // <out, grad_out> of each query and head
  float* q;            // [rows, padded(D)], times log2(e) / sqrt(D)
  float* grad_out;
  float* grad_q;  // without the scale
  float* k;       // [kKeyBlock, padded(D)]
  float* k_panel;
  float* v_panel;
  float* grad_k;
  float* grad_v;
  float* scores;  // [kGradQueryBlock, kKeyBlock], then probabilities
  float* slopes;  // gradients of the probabilities, then of the scores
  std::size_t bytes;
};

template <class T>
void store_row(const float* from, float factor, const Head<T>& to, std::int64_t row, Accumulate mode) {
  T* target = to.row(row);
  if (mode == Accumulate::Overwrite) {
#pragma omp simd
    for (std::int64_t d = 0; d < to.width; ++d) round_to(target[d], factor * from[d]);
  } else {
#pragma omp simd
    for (std::int64_t d = 0; d < to.width; ++d) round_to(target[d], float(target[d]) + factor * from[d]);
  }
}

float dot(const float* a, const float* b, std::int64_t width) {
  Lanes sum{};
  for (std::int64_t d = 0; d < width; d += kLanes) sum += load(a + d) * load(b + d);
  return sum_of(sum);
}

template <class T>
class BackwardTask {
 public:
  using Inputs = kernel::AttentionInputs<T>;
  BackwardTask(const Inputs& in, View<const T> out, View<const float> log2_sum, View<const T> grad_out,
               const kernel::AttentionGrads<T>& grads, const Task& task, const BackwardScratch& scratch)
      : in_(in),
        task_(task),
        scratch_(scratch),
        width_(in.head_width()),
        stride_(padded(width_)),
        modes_{grads.q.mode, grads.k.mode, grads.v.mode},
        out_(out),
        grad_out_(grad_out),
        grad_q_(task.owns != Owns::Keys ? grads.q.to : View<T>{}),
        log2_sum_(log2_sum),
        k_(of_keys<const T>(in.k)),
        v_(of_keys<const T>(in.v)),
        grad_k_(of_keys<T>(task.owns != Owns::Queries ? grads.k.to : View<T>{})),
        grad_v_(of_keys<T>(task.owns != Owns::Queries ? grads.v.to : View<T>{})) {}

  void run() {
    take_queries();
    const std::int64_t seen = rows_.count() > 0 ? scratch_.seen[rows_.count() - 1] : 0;
    const std::int64_t keys_end = task_.owns == Owns::Queries ? seen : task_.keys.end;
    for (std::int64_t key = task_.keys.begin; key < keys_end; key += kKeyBlock)
      take_keys({key, std::min(key + kKeyBlock, keys_end)});
    for (std::int64_t index = 0; index < task_.heads; ++index) {
      const QueryHead head = head_at(index);
      for (std::int64_t i = 0; head.to.data && i < rows_.count(); ++i)
        store_row(head.grad_q + i * stride_, scale(), head.to, rows_.begin + i, modes_.q);
    }
  }

 private:
  /// One query head of the task: its packed rows, and where its gradient goes.
  struct QueryHead {
    float *q, *grad_out, *grad_q, *delta;
    const float* log2_sum;
    Head<T> to;
  };
  QueryHead head_at(std::int64_t index) const {
    const std::int64_t row = index * rows_apart(rows_.count()), head = task_.head + index;
    return {scratch_.q + row * stride_,
            scratch_.grad_out + row * stride_,
            scratch_.grad_q + row * stride_,
            scratch_.delta + row,
            log2_sum_.row(head) + in_.queries.begin(task_.sequence),
            of_queries<T>(grad_q_, head)};
  }

  float scale() const { return 1.0F / std::sqrt(static_cast<float>(width_)); }

  template <class Element>
  Head<Element> of_queries(View<Element> rows, std::int64_t head) const {
    return head_of<Element>(rows, in_.queries.begin(task_.sequence), head, width_);
  }
  template <class Element>
  Head<Element> of_keys(View<Element> rows) const {
    return head_of<Element>(rows, in_.keys.begin(task_.sequence), task_.head / in_.group(), width_);
  }

  // Packs the queries of the task; those before the first that sees a key of the task have no part in it.
  void take_queries() {
    rows_ = task_.queries;
    visible_keys(in_.queries, in_.keys, task_.sequence, rows_.begin, rows_.end, scratch_.seen);
    if (task_.owns == Owns::Keys) {
      const std::int64_t blind = first_seeing(task_.keys.begin, 0);
      std::copy(scratch_.seen + blind, scratch_.seen + rows_.count(), scratch_.seen);
      rows_.begin += blind;
    }
    for (std::int64_t index = 0; index < task_.heads; ++index) pack(head_at(index), task_.head + index);
  }

  void pack(const QueryHead& to, std::int64_t head) const {
    const std::int64_t count = rows_.count();
    pack_rows(of_queries<const T>(in_.q, head), rows_.begin, count, kLog2E * scale(), to.q);
    pack_rows(of_queries<const T>(out_, head), rows_.begin, count, 1.0F, to.grad_q);
    pack_rows(of_queries<const T>(grad_out_, head), rows_.begin, count, 1.0F, to.grad_out);
    for (std::int64_t i = 0; i < count; ++i)
      to.delta[i] = dot(to.grad_q + i * stride_, to.grad_out + i * stride_, stride_);
    std::fill_n(to.grad_q, count * stride_, 0.0F);
  }

  // The first packed query from `from` on that sees `key`.
  std::int64_t first_seeing(std::int64_t key, std::int64_t from) const {
    const std::int32_t *begin = scratch_.seen, *end = begin + rows_.count();
    return std::upper_bound(begin + from, end, static_cast<std::int32_t>(key)) - begin;
  }

  void take_keys(Range keys) {
    pack_panels(k_, keys.begin, keys.count(), scratch_.k_panel);
    pack_panels(v_, keys.begin, keys.count(), scratch_.v_panel);
    if (grad_q_.data != nullptr) pack_rows(k_, keys.begin, keys.count(), 1.0F, scratch_.k);
    prefetch<1>(grad_k_, keys.begin, keys.count());
    prefetch<1>(grad_v_, keys.begin, keys.count());
    std::fill_n(scratch_.grad_k, kKeyBlock * stride_, 0.0F);
    std::fill_n(scratch_.grad_v, kKeyBlock * stride_, 0.0F);
    for (std::int64_t index = 0; index < task_.heads; ++index) {
      const QueryHead head = head_at(index);
      for (std::int64_t row = first_seeing(keys.begin, 0); row < rows_.count(); row += kGradQueryBlock)
        meet(head, {row, std::min(row + kGradQueryBlock, rows_.count())}, keys);
    }
    for (std::int64_t i = 0; i < keys.count(); ++i) {
      if (grad_k_.data) store_row(scratch_.grad_k + i * stride_, kLn2, grad_k_, keys.begin + i, modes_.k);
      if (grad_v_.data) store_row(scratch_.grad_v + i * stride_, 1.0F, grad_v_, keys.begin + i, modes_.v);
    }
  }

  // One tile: packed queries `rows` of a head against the packed keys.
  void meet(const QueryHead& head, Range rows, Range keys) {
    if (keys.begin == task_.keys.begin) prefetch<1>(head.to, rows_.begin + rows.begin, rows.count());
    const auto visible = [&](std::int64_t, std::int64_t last) { return visible_of(rows.begin + last, keys); };
    for_runs(rows.count(), visible, [&](std::int64_t row, std::int64_t count, std::int64_t columns) {
      recompute(head, rows.begin + row, row, count, columns, keys);
      if (head.to.data)
        multiply<Start::Load>({count, stride_, columns}, RowMajor{slopes(row), kKeyBlock}, scratch_.k, stride_,
                              head.grad_q + (rows.begin + row) * stride_, stride_);
    });
    const auto blind = [&](std::int64_t first, std::int64_t) {
      return first_seeing(keys.begin + first, rows.begin) - rows.begin;
    };
    for_runs(keys.count(), blind, [&](std::int64_t key, std::int64_t count, std::int64_t skip) {
      const Extents extents{count, stride_, rows.count() - skip};
      if (extents.depth <= 0) return;
      const std::int64_t row = rows.begin + skip;
      if (grad_v_.data)
        multiply<Start::Load>(extents, Transposed{scores(skip) + key, kKeyBlock}, head.grad_out + row * stride_,
                              stride_, scratch_.grad_v + key * stride_, stride_);
      if (grad_k_.data)
        multiply<Start::Load>(extents, Transposed{slopes(skip) + key, kKeyBlock}, head.q + row * stride_, stride_,
                              scratch_.grad_k + key * stride_, stride_);
    });
  }

  // Probabilities and score gradients of packed queries [row, row + count) of a head, the last of which sees `visible`
  // keys.
  void recompute(const QueryHead& head, std::int64_t row, std::int64_t tile_row, std::int64_t count,
                 std::int64_t visible, Range keys) {
    const Extents extents{count, padded(visible), width_};
    multiply<Start::Zero>(extents, RowMajor{head.q, stride_}.from_row(row), scratch_.k_panel, kPanel, scores(tile_row),
                          kKeyBlock);
    multiply<Start::Zero>(extents, RowMajor{head.grad_out, stride_}.from_row(row), scratch_.v_panel, kPanel,
                          slopes(tile_row), kKeyBlock);
    for (std::int64_t i = 0; i < count; ++i)
      softmax_gradient_row(scores(tile_row + i), slopes(tile_row + i), visible_of(row + i, keys), padded(keys.count()),
                           head.log2_sum[rows_.begin + row + i], head.delta[row + i]);
  }

  std::int64_t visible_of(std::int64_t row, Range keys) const {
    return std::clamp<std::int64_t>(scratch_.seen[row] - keys.begin, 0, keys.count());
  }
  float* scores(std::int64_t tile_row) const { return scratch_.scores + tile_row * kKeyBlock; }
  float* slopes(std::int64_t tile_row) const { return scratch_.slopes + tile_row * kKeyBlock; }

  const Inputs& in_;
  const Task& task_;
  const BackwardScratch& scratch_;
  std::int64_t width_, stride_;
  struct {
    Accumulate q, k, v;
  } modes_;
  View<const T> out_, grad_out_;
  View<T> grad_q_;
  View<const float> log2_sum_;
  Head<const T> k_, v_;
  Head<T> grad_k_, grad_v_;
  Range rows_;  // the packed queries, counted within the sequence
};

}  // namespace
}  // namespace flash

namespace kernel {

template <class T>
void attention_backward(CpuQueue, const AttentionInputs<T>& in, View<const T> out, View<const float> log2_sum,
                        View<const T> grad_out, AttentionGrads<T> grads) {
  const auto tasks = flash::plan_backward({in.queries, in.keys, in.heads, kernel_threads(), in.group()});
  const std::int64_t queries = in.queries.longest(), rows = in.group() * flash::rows_apart(queries);
  const auto scratch = [&](flash::Arena arena) {
    return flash::BackwardScratch(arena, queries, rows, in.head_width());
  };
  flash::run_tasks(tasks, scratch({}).bytes, [&](const flash::Task& task, flash::Arena arena) {
    const flash::BackwardScratch mine = scratch(arena);
    flash::BackwardTask<T>(in, out, log2_sum, grad_out, grads, task, mine).run();
  });
}

template void attention_backward<float>(CpuQueue, const AttentionInputs<float>&, View<const float>, View<const float>,
                                        View<const float>, AttentionGrads<float>);
template void attention_backward<bfloat16>(CpuQueue, const AttentionInputs<bfloat16>&, View<const bfloat16>,
                                           View<const float>, View<const bfloat16>, AttentionGrads<bfloat16>);

}  // namespace kernel
}  // namespace isobath
