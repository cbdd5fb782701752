#include "data/batches/loader.hpp"

#include <utility>

#include "ops/core/error.hpp"

namespace isobath {

Loader::Loader(TokenSplit split, const LoaderOptions& options)
    : split_(std::move(split)), options_(options), order_(split_, options.context, options.seed) {
  require(options.prefetch >= 0, "prefetch of ", options.prefetch, " batches");
  if (options.global_batch < options.shard.count)
    throw Error(ExitCode::Config, text("global batch smaller than the ranks: ", options.global_batch, " samples for ",
                                       options.shard.count, " ranks; raise the global batch or start fewer ranks"));
  if (options.prefetch > 0) prefetcher_.emplace([this](std::int64_t step) { return make(step); }, options.prefetch);
}

Batch Loader::next() {
  const HostBatch batch = prefetcher_ ? prefetcher_->take() : make(step_);
  ++step_;
  return batch.to(options_.device);
}

void Loader::seek(std::int64_t step) {
  require(step >= 0, "step ", step);
  step_ = step;
  if (prefetcher_) prefetcher_->seek(step);
}

HostBatch Loader::make(std::int64_t step) const {
  const IndexRange mine = share_of(options_.global_batch, options_.shard);
  const std::int64_t first = step * options_.global_batch;
  HostBatch batch;
  batch.context = options_.context;
  for (std::int64_t sample = first + mine.begin; sample < first + mine.end; ++sample)
    batch.add(*split_.stream, sample, order_.place(sample).begin, options_.context);
  return batch;
}

}  // namespace isobath
