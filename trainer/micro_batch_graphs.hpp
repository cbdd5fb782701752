#pragma once
// The passes through micro-batches as CUDA graphs: each kind of micro-batch is queued kernel by kernel once, recorded
// the second time, and from then on launched as one piece of work.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "data/batches/batch.hpp"
#include "ops/core/allocator.hpp"
#include "ops/core/device_graph.hpp"
#include "ops/core/ledger.hpp"
#include "parallel/flat_parameters.hpp"

namespace isobath {

/// Where a micro-batch stands in its step: the first one overwrites gradients, later ones add.
enum class MicroBatchPlace { First, Later };

class MicroBatchGraphs {
 public:
  /// Forward and backward of a micro-batch; returns the rows that blocks updated. What it reads beside its argument and
  /// the parameters lies at the same addresses in every step, and on the host nothing that it does depends on the step.
  using Pass = std::function<std::int64_t(const Batch& micro)>;

  /// `parameters`, of a CUDA device and with gradients in a lasting place, outlive it.
  explicit MicroBatchGraphs(FlatParameters& parameters)
      : parameters_(parameters), device_(parameters.values().device()) {}

  /// pass(micro), or work that does the same to the device, the ledger and the gradient slots. Parameters are not
  /// reported as complete (GradSlot::on_complete) where the work is repeated.
  std::int64_t run(const Batch& micro, MicroBatchPlace place, const Pass& pass);
  /// pass(micro) itself, with memory that graphs have when they run.
  std::int64_t run_directly(const Batch& micro, const Pass& pass) const;

 private:
  struct Recorded {
    bool is_warm = false;  // memory and algorithms are there
    CudaGraph graph;
    Ledger executed;
    std::int64_t rows_updated = 0;
    std::vector<std::size_t> contributed;  // pieces of the layout
  };

  /// The micro-batch at addresses that are those of every micro-batch of its size.
  Batch placed(const Batch& micro);
  void record(Recorded& recorded, const Batch& micro, const Pass& pass) const;
  void count_repeated(const Recorded& recorded) const;

  FlatParameters& parameters_;
  Device device_;
  MemoryPool pool_;  // graphs run one after the other, and nothing outlives a pass: they share their memory
  std::map<std::int64_t, Batch> places_;  // by sequences
  std::map<std::pair<std::int64_t, MicroBatchPlace>, Recorded> graphs_;
};

}  // namespace isobath
