#include "parallel/gradient_reducer.hpp"

#include "ops/tensor/convert.hpp"

namespace isobath {
namespace {

// Sharded gradients: buckets that may be on their way while the next one fills. More would only hold memory.
constexpr std::size_t kMostInFlight = 2;

}  // namespace

GradientReducer::GradientReducer(FlatParameters& parameters, const FlatShard& shard, Communicator& ranks,
                                 Settings settings, EventRing* events)
    : parameters_(parameters), shard_(shard), ranks_(ranks), settings_(settings), events_(events) {
  require(!is_sharded() || shard.is_divided(), "sharded gradients of a shard that holds everything");
  const auto& pieces = parameters_.layout().pieces();
  for (std::size_t piece = 0; piece < pieces.size(); ++piece)
    parameters_.slot_of(pieces[piece]).on_complete([this, piece] { parameter_completed(piece); });
}

GradientReducer::~GradientReducer() {
  for (const FlatPiece& piece : parameters_.layout().pieces()) parameters_.slot_of(piece).on_complete({});
}

void GradientReducer::begin_step() {
  reductions_.clear();
  for (const FlatPiece& piece : parameters_.layout().pieces()) parameters_.slot_of(piece).begin_step();
  if (is_sharded())
    for (std::size_t bucket = 0; bucket < parameters_.layout().buckets().size(); ++bucket)
      parameters_.release_bucket(bucket);
  micro_batches_ = 0;
  expect_all_buckets();
  phase_ = Phase::Collecting;
}

void GradientReducer::expect_all_buckets() {
  issued_ = 0;
  completed_.assign(parameters_.layout().pieces().size(), false);
  waiting_.clear();
  for (const FlatBucket& bucket : parameters_.layout().buckets())
    waiting_.push_back(bucket.end_piece - bucket.first_piece);
}

void GradientReducer::begin_micro_batch(MicroBatch which) {
  require(phase_ == Phase::Collecting, "a micro-batch before begin_step() or after the last one");
  if (is_sharded() && micro_batches_ > 0) {
    issue_remaining_buckets();  // of the micro-batch before: those that wait for a parameter that it did not use
    expect_all_buckets();
  }
  ++micro_batches_;
  if (which == MicroBatch::Last) phase_ = Phase::LastMicroBatch;
}

void GradientReducer::parameter_completed(std::size_t piece) {
  if (!reduces_now()) return;
  require(!completed_[piece], "a second backward pass in one micro-batch: the gradient may be on its way already");
  completed_[piece] = true;
  const std::size_t bucket = parameters_.layout().pieces()[piece].bucket;
  if (--waiting_[bucket] > 0) return;
  if (events_) events_->record(EventKind::BucketReady, "bucket", static_cast<std::int64_t>(bucket));
  while (issued_ < waiting_.size() && waiting_[issued_] == 0) issue_next_bucket();
}

void GradientReducer::issue_next_bucket() {
  const FlatLayout& layout = parameters_.layout();
  const FlatBucket& bucket = layout.buckets()[issued_];
  for (std::size_t i = bucket.first_piece; i < bucket.end_piece; ++i) {
    const FlatPiece& piece = layout.pieces()[i];
    if (!parameters_.slot_of(piece).has_gradient())
      parameters_.bucket_gradients(issued_)
          .slice(piece.range.begin - bucket.range.begin, {piece.range.count()})
          .fill_zero();
  }
  if (ranks_.size() > 1) reductions_.push_back(start(issued_));
  ++issued_;
  if (is_sharded())
    while (reductions_.size() > kMostInFlight) receive_oldest();
}

void GradientReducer::issue_remaining_buckets() {
  while (issued_ < waiting_.size()) issue_next_bucket();
}

GradientReducer::Reduction GradientReducer::start(std::size_t bucket) {
  Tensor whole = parameters_.bucket_gradients(bucket);
  if (settings_.wire != DType::F32) {
    const Tensor sent = Tensor::empty(whole.shape(), settings_.wire, whole.device());
    convert(whole, sent);
    whole = sent;
  }
  if (is_sharded()) parameters_.release_bucket(bucket);  // `whole` keeps what is on its way
  const Accumulate mode = is_sharded() && micro_batches_ > 1 ? Accumulate::Add : Accumulate::Overwrite;
  if (!shard_.is_divided()) return {bucket, whole, whole, mode, ranks_.all_reduce(whole, Reduce::Sum)};
  const std::int64_t length = whole.count() / shard_.parts();
  const Tensor sum = whole.slice(shard_.rank() * length, {length});
  return {bucket, whole, sum, mode, ranks_.reduce_scatter(whole, sum, Reduce::Sum)};
}

void GradientReducer::finish() {
  require(phase_ == Phase::LastMicroBatch, "finish() before the last micro-batch");
  phase_ = Phase::Idle;
  issue_remaining_buckets();
  while (!reductions_.empty()) receive_oldest();
}

void GradientReducer::receive_oldest() {
  Reduction done = std::move(reductions_.front());
  reductions_.pop_front();
  const auto index = static_cast<std::int64_t>(done.bucket);
  if (events_) events_->record(EventKind::Wait, "bucket", index);
  const CollectiveTimes times = done.collective.before_work_on(done.sum.device());
  if (events_) {
    events_->record({times.started, EventKind::ReduceStarted, "bucket", index});
    events_->record({times.finished, EventKind::ReduceFinished, "bucket", index});
  }
  deliver(done);
}

void GradientReducer::deliver(const Reduction& done) {
  const Tensor to = destination(done.bucket);
  if (!done.sum.is_same(to)) convert(done.sum, to, done.mode);
}

Tensor GradientReducer::destination(std::size_t bucket) {
  if (!shard_.is_divided()) return parameters_.bucket_gradients(bucket);
  return sums(shard_.segments()[bucket]);  // a divided shard has a segment for every bucket
}

Tensor GradientReducer::sums(const ShardSegment& segment) const {
  return parameters_.part(parameters_.gradients(), is_sharded() ? segment.held : segment.flat);
}

}  // namespace isobath
