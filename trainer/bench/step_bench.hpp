#pragma once
// Whole training steps against this machine's measured limit, in one process and one run.
//   peak:        the best of many matrix products in the row's dtype (trainer/bench/machine_limits.hpp)
//   model FLOPs: 6 x linear parameters of blocks and head x tokens that enter them + 3 x causal half of attention;
//                routers not counted
//   step time:   median of the counted steps after the warm-up; rows are measured in turn, step by step, so that ratios
//                hold on a busy machine

#include <cstdint>
#include <string>
#include <vector>

#include "configs/schema/run_config.hpp"
#include "parallel/communicator.hpp"
#include "trainer/bench/op_table.hpp"

namespace isobath {

struct StepBenchOptions {
  ModelConfig model;        ///< with its vocabulary
  std::int64_t batch = 12;  ///< sequences over all ranks
  std::int64_t steps = 10;  ///< counted, of each row
  std::int64_t warmup = 3;
  Device device = Device::cpu();  ///< this rank's
  CudaGraphChoice cuda_graph = CudaGraphChoice::None;
  ParallelConfig parallel;
  Binding bind = Binding::Auto;     ///< where numbers of ranks are compared: of each while it works
  std::vector<DepthConfig> depths;  ///< one row each in every dtype; ratios are to the first
  std::vector<DTypeChoice> dtypes = {DTypeChoice::F32};
  std::vector<Recompute> recomputes = {Recompute::None};  ///< one row each of every policy and dtype
  bool traced = false;                                    ///< with a trace of one step more of every row
  bool by_op = false;  ///< with a table of the step by op: as many steps more, which the clock's readings slow a little
};

struct StepBenchRow {
  std::string policy;
  DTypeChoice dtype = DTypeChoice::F32;
  Recompute recompute = Recompute::None;
  int ranks = 1;
  int threads = 1;                     ///< of each rank
  double seconds = 0.0;                ///< of a step, median
  double compute_seconds = 0.0;        ///< forward and backward of the slowest rank; on a device, to queue them
  double communication_seconds = 0.0;  ///< waited for collectives that nothing hid
  double imbalance = 1.0;              ///< compute of the slowest rank over the median rank's
  double tokens_per_second = 0.0;
  double model_flops = 0.0;           ///< of a step, all ranks
  double peak_flops = 0.0;            ///< per second in this dtype, sum over ranks
  double share_of_peak = 0.0;         ///< model FLOP/s over the sum of all ranks' peaks
  double flop_ratio = 1.0;            ///< model FLOPs over those of the first row of this dtype
  double time_ratio = 1.0;            ///< median of the step-by-step time ratios to the first row of this dtype
  double dtype_ratio = 1.0;           ///< the same to the row of the first dtype with this policy
  double recompute_ratio = 1.0;       ///< the same to this policy and dtype with the first choice of recomputation
  double bus_bandwidth = 0.0;         ///< measure_bus_bandwidth() of the gradients; 0 unless over ranks
  std::int64_t activation_bytes = 0;  ///< allocator peak above the state, this rank
  std::int64_t new_blocks = 0;        ///< asked from the system in the counted steps, this rank
  std::int64_t host_waits = 0;        ///< of a step, this rank
  std::vector<OpRow> ops;             ///< of a step on this rank, dearest first; empty unless asked for
};

struct StepBenchReport {
  std::vector<StepBenchRow> rows;
  std::string trace;       ///< this rank's events (trainer/report/step_trace.hpp); empty unless asked for
  double bandwidth = 0.0;  ///< bytes per second of a copy in memory, read and written; 0 unless asked for the ops
};

/// A row per dtype, policy and choice of recomputation, on all ranks. Collective.
StepBenchReport bench_steps(const StepBenchOptions& options, Communicator& ranks);

/// The first policy in the first dtype on 1 rank, on 2, ... on all of them, for every number of ranks that divides
/// theirs; each row shares out all kernel threads of the world. Ratios are to one rank. Collective; the rows are rank
/// 0's.
StepBenchReport bench_ranks(const StepBenchOptions& options, Communicator& ranks);

/// Model FLOPs of one training step of `batch` sequences, by the definition above.
double model_flops(const ModelConfig& model, const DepthConfig& depth, std::int64_t batch);

}  // namespace isobath
