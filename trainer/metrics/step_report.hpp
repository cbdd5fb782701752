#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace isobath {

/// What ranks tell each other with a step's own reduction: each rank's 0 or 1 going in, how many said 1 coming out.
struct StepVotes {
  int stop = 0;         ///< was asked to save and end
  int saved = 0;        ///< its part of the checkpoint that is being written is durable
  int save_failed = 0;  ///< its part could not be written
};

/// How evenly a step's work lay on the ranks.
struct RankBalance {
  double compute_min = 0.0, compute_median = 0.0, compute_max = 0.0;  ///< seconds of forward and backward, no waiting
  int slowest = 0;                                                    ///< the rank of compute_max
  double active_rows_max = 1.0;  ///< most rows that blocks updated on a rank, over the mean of all ranks
  double communication = 0.0;    ///< seconds that rank 0 waited for collectives, beyond waiting for the slowest rank
};

inline constexpr std::int64_t kGateBins = 20;

/// What one optimizer step did, over all ranks, as read from the device once.
struct StepReport {
  std::int64_t step = 0;    ///< updates done, this one included
  std::int64_t tokens = 0;  ///< trained on so far, this step included
  std::int64_t data = 0;    ///< digest of the step's samples and their tokens, the same on any number of ranks
  double loss = 0.0;        ///< mean nats per valid target
  double auxiliary = 0.0;   ///< sum of auxiliary losses as they entered the objective
  double z_loss = 0.0;      ///< of these, model.z_loss times the mean square of the logits' logsumexp
  double learning_rate = 0.0;
  double gradient_norm = 0.0;  ///< of the main group, before clipping
  double seconds = 0.0;
  double tokens_per_second = 0.0;
  double executed_flops = 0.0;    ///< forward and backward, all ranks
  double recomputed_flops = 0.0;  ///< executed beside these, instead of keeping what forward had computed
  double dense_flops = 0.0;       ///< the same step without routing
  std::vector<double> depth;      ///< per block: share of rows whose update was computed
  std::vector<double> gate;       ///< per block: mean gate; 1 for an unrouted block
  /// Per block: rows whose gate lies in each of kGateBins equal parts of [0, 1]; zeros for a block without gates.
  std::vector<std::vector<double>> gate_bins;
  RankBalance balance;
  StepVotes votes;  ///< ranks that said so; equal on all ranks
  /// Of a mixture: tokens that each source has given so far, batches that were left out included; else nothing.
  std::vector<std::int64_t> source_tokens = {};
  bool is_skipped = false;  ///< the loss was a spike, and the weights are those of before
};

/// A validation result as it is logged.
struct ValidationReport {
  std::int64_t step = 0;
  std::string rule;
  double loss = 0.0;
  std::int64_t targets = 0;
};

}  // namespace isobath
