#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "configs/schema/run_config.hpp"
#include "ops/core/ledger.hpp"

namespace isobath {

/// Bytes of one rank by kind. The step is run on the meta device: the same code with shapes and no numbers, so nothing
/// can drift apart.
struct MemoryEstimate {
  std::int64_t weights = 0;
  std::int64_t gradients = 0;
  std::int64_t moments = 0;
  std::int64_t activations = 0;      ///< the peak above the three, gradients on their way included
  std::int64_t checkpoint_copy = 0;  ///< what a save copies before it writes; 0 when none is ever written
  /// Of a step; tensors only.
  std::int64_t training() const { return weights + gradients + moments + activations; }
  std::int64_t peak() const { return training() + checkpoint_copy; }
};

struct DryRun {
  std::int64_t parameters = 0;         ///< all of them
  std::int64_t router_parameters = 0;  ///< of these, the routers'
  std::int64_t predictor_parameters = 0;
  Ledger step;               ///< FLOPs of one optimizer step, all ranks
  double dense_flops = 0.0;  ///< of the same step without routing
  std::int64_t tokens_per_step = 0;
  MemoryEstimate memory;              ///< of the rank with the largest share of the batch
  std::int64_t checkpoint_bytes = 0;  ///< weights and moments, over all ranks
};

/// One step without recomputation and with train.recompute: block; all else as configured.
struct RecomputeChoice {
  std::int64_t kept_activations = 0, recomputed_activations = 0;  ///< MemoryEstimate::activations of each
  std::int64_t flops = 0;                                         ///< of the model, which both execute
  std::int64_t recomputed_flops = 0;                              ///< that the second adds
};
RecomputeChoice measure_recompute(const RunConfig& config, int world);

/// What a run of `config`, whose model.vocabulary is resolved, costs on `world` ranks. Allocates no tensor memory.
DryRun measure_dry_run(const RunConfig& config, int world);

}  // namespace isobath
