#pragma once
// Training batches of one rank.

#include <cstdint>
#include <optional>

#include "data/batches/batch.hpp"
#include "data/batches/prefetcher.hpp"
#include "data/order/sample_order.hpp"
#include "data/order/split.hpp"
#include "data/shard_spec.hpp"

namespace isobath {

struct LoaderOptions {
  std::int64_t context = 0;       ///< T
  std::int64_t global_batch = 0;  ///< B: samples of a step over all ranks
  std::uint64_t seed = 0;
  ShardSpec shard = {};           ///< rank and world size
  std::int64_t prefetch = 2;      ///< batches made ahead; 0: made when asked for, without a thread
  Device device = Device::cpu();  ///< where next() puts the batch
};

/// Step s holds global samples s B .. (s + 1) B - 1; rank r of N gets share_of(B, {r, N}) of them. What a sample is
/// depends on (dataset, seed, context, its index) and nothing else, so a run goes on with another N or B.
class Loader {
 public:
  /// Throws DataError when the split holds no window of `context` + 1 tokens, and Error with ExitCode::Config when the
  /// global batch is smaller than the ranks.
  Loader(TokenSplit split, const LoaderOptions& options);

  /// The batch of step() and moves on. Waits where prefetching lags behind. Throws DataError for a token outside the
  /// vocabulary; the step stays the same then.
  Batch next();
  /// The next batch is that of `step`, at once however far away.
  void seek(std::int64_t step);

  std::int64_t step() const { return step_; }
  const SampleOrder& order() const { return order_; }

 private:
  HostBatch make(std::int64_t step) const;

  TokenSplit split_;
  LoaderOptions options_;
  SampleOrder order_;
  std::int64_t step_ = 0;
  std::optional<Prefetcher> prefetcher_;  // last: its thread reads all above
};

}  // namespace isobath
