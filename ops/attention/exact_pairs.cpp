#include "ops/attention/exact_pairs.hpp"

#include <utility>

#include "ops/core/ledger.hpp"

namespace isobath {
namespace {

thread_local const Tensor* total_on_device = nullptr;

bool lies_on(const RowSet& rows, Device device) { return !rows.is_all() && rows.rows().device() == device; }

}  // namespace

namespace kernel {

void add_visible_pairs(CpuQueue, const SequenceRows& queries, const SequenceRows& keys, std::int64_t, double factor,
                       View<double> total) {
  std::int64_t pairs = 0;
  for (std::int64_t s = 0; s < queries.batch; ++s) pairs += visible_pairs(queries, keys, s);
  total[0] += factor * static_cast<double>(pairs);
}

}  // namespace kernel

void add_visible_pairs(const RowSet& queries, const RowSet& keys, double factor, const Tensor& total) {
  require(total.count() == 1 && total.dtype() == DType::F64, "pairs counted in ", total.shape(), ' ',
          name_of(total.dtype()));
  on_queue_of(total.device(), "add_visible_pairs", [&](auto queue) {
    kernel::add_visible_pairs(queue, kernel::sequence_rows(queries), kernel::sequence_rows(keys), queries.size(),
                              factor, total.view<double>());
  });
}

ExactPairs::ExactPairs(Tensor total) : total_(std::move(total)) {
  if (!total_.device().is_cuda()) return;
  require(total_on_device == nullptr, "pairs are counted twice on one thread");
  total_on_device = &total_;
}

ExactPairs::~ExactPairs() {
  if (total_on_device == &total_) total_on_device = nullptr;
}

void count_pair_flops(const RowSet& queries, const RowSet& keys, std::int64_t pairs, std::int64_t per_pair) {
  const bool is_exact = total_on_device != nullptr && current_direction() != Direction::Recomputed &&
                        (lies_on(queries, total_on_device->device()) || lies_on(keys, total_on_device->device()));
  if (!is_exact) return count_flops(pairs * per_pair);
  add_visible_pairs(queries, keys, static_cast<double>(per_pair), *total_on_device);
}

}  // namespace isobath
