#include "parallel/gradient_reducer.hpp"

#include "ops/autograd/grad_slot.hpp"

namespace isobath {
namespace {

GradSlot& slot_of(const FlatParameters& parameters, const FlatPiece& piece) {
  return *parameters.parameters()[piece.item]->value.grad_slot();
}

}  // namespace

GradientReducer::GradientReducer(FlatParameters& parameters, Communicator& ranks, EventRing* events)
    : parameters_(parameters), ranks_(ranks), events_(events) {
  const auto& pieces = parameters_.layout().pieces();
  for (std::size_t piece = 0; piece < pieces.size(); ++piece)
    slot_of(parameters_, pieces[piece]).on_complete([this, piece] { parameter_completed(piece); });
}

GradientReducer::~GradientReducer() {
  for (const FlatPiece& piece : parameters_.layout().pieces()) slot_of(parameters_, piece).on_complete({});
}

void GradientReducer::begin_step() {
  const FlatLayout& layout = parameters_.layout();
  reductions_.clear();
  for (const FlatPiece& piece : layout.pieces()) slot_of(parameters_, piece).begin_step();
  completed_.assign(layout.pieces().size(), false);
  waiting_.clear();
  for (const FlatBucket& bucket : layout.buckets()) waiting_.push_back(bucket.end_piece - bucket.first_piece);
  phase_ = Phase::Collecting;
}

void GradientReducer::begin_micro_batch(MicroBatch which) {
  require(phase_ == Phase::Collecting, "a micro-batch before begin_step() or after the last one");
  if (which == MicroBatch::Last) phase_ = Phase::LastMicroBatch;
}

void GradientReducer::parameter_completed(std::size_t piece) {
  if (phase_ != Phase::LastMicroBatch) return;
  require(!completed_[piece], "a second backward pass in one micro-batch: the gradient may be on its way already");
  completed_[piece] = true;
  const std::size_t bucket = parameters_.layout().pieces()[piece].bucket;
  if (--waiting_[bucket] > 0) return;
  if (events_) events_->record(EventKind::BucketReady, "bucket", static_cast<std::int64_t>(bucket));
  while (reductions_.size() < waiting_.size() && waiting_[reductions_.size()] == 0) issue_next_bucket();
}

void GradientReducer::issue_next_bucket() {
  const FlatLayout& layout = parameters_.layout();
  const FlatBucket& bucket = layout.buckets()[reductions_.size()];
  for (std::size_t i = bucket.first_piece; i < bucket.end_piece; ++i) {
    const FlatPiece& piece = layout.pieces()[i];
    if (!slot_of(parameters_, piece).has_gradient()) parameters_.parameters()[piece.item]->gradient.fill_zero();
  }
  const Tensor gradients = parameters_.part(parameters_.gradients(), bucket.range);
  reductions_.push_back(ranks_.size() > 1 ? ranks_.all_reduce(gradients, Reduce::Sum) : Collective());
}

void GradientReducer::finish() {
  require(phase_ == Phase::LastMicroBatch, "finish() before the last micro-batch");
  phase_ = Phase::Idle;
  while (reductions_.size() < waiting_.size()) issue_next_bucket();
  if (ranks_.size() == 1) return reductions_.clear();
  for (std::size_t bucket = 0; bucket < reductions_.size(); ++bucket) {
    const auto index = static_cast<std::int64_t>(bucket);
    if (events_) events_->record(EventKind::Wait, "bucket", index);
    const CollectiveTimes times = reductions_[bucket].before(CpuQueue{});
    if (!events_) continue;
    events_->record({times.started, EventKind::ReduceStarted, "bucket", index});
    events_->record({times.finished, EventKind::ReduceFinished, "bucket", index});
  }
  reductions_.clear();
}

}  // namespace isobath
