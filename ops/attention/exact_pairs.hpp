#pragma once
// Attention's FLOPs over rows of which only a device knows where they lie: counted there, read with whatever else is
// read of it.

#include "ops/attention/visibility.hpp"
#include "ops/core/queue.hpp"

namespace isobath {

/// total[0] += factor * visible (query, key) pairs, exactly while the sum is below 2^53; total: f64 [1]. Not recorded.
void add_visible_pairs(const RowSet& queries, const RowSet& keys, double factor, const Tensor& total);

/// While it lives, attention of this thread over row sets on the device of `total`, f64 [1], adds its FLOPs there and
/// not to the ledger, where they would be an estimate (see visible_pairs). What is recomputed stays in the ledger,
/// which keeps it apart. Does nothing for a total on another device than a CUDA one: the host knows the rows then.
class ExactPairs {
 public:
  explicit ExactPairs(Tensor total);
  ~ExactPairs();
  ExactPairs(const ExactPairs&) = delete;
  ExactPairs& operator=(const ExactPairs&) = delete;

 private:
  Tensor total_;
};

/// Counts `per_pair` FLOPs for each visible pair, of which there are `pairs` where the host knows the rows: in the
/// ledger, or where ExactPairs says.
void count_pair_flops(const RowSet& queries, const RowSet& keys, std::int64_t pairs, std::int64_t per_pair);

namespace kernel {
void add_visible_pairs(CpuQueue queue, const SequenceRows& queries, const SequenceRows& keys, std::int64_t members,
                       double factor, View<double> total);
/// `members`: of `queries`.
void add_visible_pairs(CudaQueue queue, const SequenceRows& queries, const SequenceRows& keys, std::int64_t members,
                       double factor, View<double> total);
}  // namespace kernel

}  // namespace isobath
