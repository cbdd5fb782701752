#include "trainer/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "ops/add/add.hpp"
#include "ops/attention/exact_pairs.hpp"
#include "ops/core/op_clock.hpp"
#include "ops/cross_entropy/cross_entropy.hpp"
#include "ops/dropout/dropout.hpp"
#include "ops/tally/tally.hpp"
#include "parallel/agreement.hpp"
#include "trainer/diagnosis.hpp"
#include "trainer/metrics/flops.hpp"
#include "trainer/optim/schedule.hpp"

namespace isobath {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

FlatShard shard_of(const ParallelConfig& parallel, const FlatLayout& layout, const Communicator& ranks) {
  if (parallel.zero == 0 || ranks.size() == 1) return {layout, 0, 1};
  return {layout, ranks.rank(), ranks.size()};
}

DType wire_of(const ParallelConfig& parallel) {
  return parallel.reduce_dtype == DTypeChoice::Bf16 ? DType::BF16 : DType::F32;
}

/// Rows that the blocks updated, each block counting its own.
std::int64_t rows_updated(const ModelOutput& output, std::int64_t rows, std::int64_t layers) {
  std::int64_t updated = rows * (layers - static_cast<std::int64_t>(output.routed.size()));
  for (const LayerRecord& record : output.routed) updated += record.route.queries.size();
  return updated;
}

Tensor scalar(double value, Device device) {
  const auto single = static_cast<float>(value);
  return Tensor::from(Shape{1}, std::span<const float>(&single, 1), device);
}

std::optional<MicroBatchGraphs> graphs_of(const RunConfig& config, FlatParameters& parameters) {
  const bool wanted = config.system.cuda_graph == CudaGraphChoice::MicroBatch;
  if (!wanted || !parameters.values().device().is_cuda()) return std::nullopt;
  return std::make_optional<MicroBatchGraphs>(parameters);
}

}  // namespace

Trainer::Trainer(const RunConfig& config, Replica& replica, Communicator& ranks)
    : config_(config),
      replica_(replica),
      ranks_(ranks),
      shard_(shard_of(config.parallel, replica.parameters.layout(), ranks)),
      optimizer_(config, replica.parameters, shard_, ranks),
      reducer_(replica.parameters, shard_, ranks, {wire_of(config.parallel)}),
      totals_(config.model.layers, ranks.size(), replica.parameters.values().device()),
      unit_(scalar(1.0 / static_cast<double>(config.train.batch * config.model.context),
                   replica.parameters.values().device())),
      inverse_(Tensor::empty(Shape{1}, DType::F32, unit_.device())),
      keys_(Tensor::empty(Shape{config.model.layers + 1}, DType::I64, unit_.device())),
      graphs_(graphs_of(config, replica.parameters)) {}

StepReport Trainer::step(const Batch& batch, StepVotes votes, double loss_limit) {
  const SpanScope span("step");
  const double begun = seconds_now(), waited_before = collective_wait_seconds();
  gather_gradients(batch, votes);
  update(loss_limit);
  const StepTotals::Read read = totals_.read(*replica_.router);
  const bool is_spike = std::isfinite(read.loss) && read.loss > loss_limit;
  if (!read.went && !is_spike) stop(read);
  ++steps_done_;
  return report(read, seconds_now() - begun, collective_wait_seconds() - waited_before);
}

void Trainer::update(double loss_limit) {
  const SpanScope span("update");
  optimizer_.step(totals_, reducer_, learning_rate_at(config_.optim, config_.train.steps, steps_done_), steps_done_ + 1,
                  loss_limit);
}

void Trainer::stop(const StepTotals::Read& read) {
  // Totals were reduced, so every rank has come to the same end.
  const Voice voice = ranks_.rank() == 0 ? Voice::Speaks : Voice::Silent;
  const std::string what = explain_stop(read, {replica_.parameters, shard_, reducer_}, steps_done_ + 1, ranks_);
  throw AgreedError(ExitCode::Stopped, what, 0, voice);
}

void Trainer::gather_gradients(const Batch& batch, StepVotes votes) {
  const Ledger executed_before = ledger();
  std::optional<ExactPairs> exact;  // what is chosen in training otherwise has as many rows in every sequence
  if (config_.depth.policy == DepthPolicy::Replay) exact.emplace(totals_.flops());
  const double begun = seconds_now(), waited_before = collective_wait_seconds();
  active_rows_ = 0;
  totals_.begin();
  reducer_.begin_step();
  set_constants(batch);
  pass_through(batch.split(std::min(config_.train.micro_batches, batch.size())));
  const SpanScope span("reduce");
  const Ledger executed = ledger() - executed_before;
  totals_.add_flops(executed.total());
  totals_.add_recomputed_flops(executed.recomputed());
  totals_.add_data(batch.digest());
  totals_.add_votes(votes);
  const double waited = collective_wait_seconds() - waited_before;
  totals_.add_work(ranks_.rank(), seconds_now() - begun - waited, active_rows_);
  Collective sums = totals_.reduce(ranks_);
  reducer_.finish();  // buckets left while backward ran
  sums.before_work_on(unit_.device());
}

Tensor Trainer::inverse_targets(const Batch& batch) {
  const SpanScope span("count");  // where a rank waits for those that are still busy with the last step
  const auto valid = static_cast<double>(batch.valid());
  const Tensor count = Tensor::from(Shape{1}, std::span<const double>(&valid, 1), unit_.device());
  ranks_.all_reduce(count, Reduce::Sum).before_work_on(count.device());
  return reciprocal(count);
}

void Trainer::set_constants(const Batch& batch) {
  inverse_.copy_from(inverse_targets(batch));
  if (config_.model.dropout == 0.0) return;
  const auto seed = static_cast<std::uint64_t>(config_.seed);
  keys_.copy_from(dropout_keys(seed, steps_done_, keys_.count(), Device::cpu()));
}

void Trainer::pass_through(const std::vector<Batch>& micro_batches) {
  for (std::size_t i = 0; i < micro_batches.size(); ++i) {
    const bool is_last = i + 1 == micro_batches.size() && !graphs_;
    reducer_.begin_micro_batch(is_last ? MicroBatch::Last : MicroBatch::More);
    active_rows_ += graphs_ ? repeat(micro_batches[i], i == 0 ? MicroBatchPlace::First : MicroBatchPlace::Later)
                            : accumulate(micro_batches[i]);
  }
  // Nobody hears from a graph which parameters are complete. After a last micro-batch with nothing in it all buckets
  // leave together; on every rank, also where one of them runs its passes directly.
  if (graphs_) reducer_.begin_micro_batch(MicroBatch::Last);
}

std::int64_t Trainer::repeat(const Batch& micro, MicroBatchPlace place) {
  const auto pass = [this](const Batch& placed) { return accumulate(placed); };
  // Who looks at single ops or at routes has to see them run.
  if (observer_ || op_clock() != nullptr) return graphs_->run_directly(micro, pass);
  return graphs_->run(micro, place, pass);
}

std::int64_t Trainer::accumulate(const Batch& micro) {
  const Forwarded forwarded = forward(micro);
  const SpanScope span("backward");
  backward(forwarded.loss);
  return forwarded.rows_updated;
}

Trainer::Forwarded Trainer::forward(const Batch& micro) {
  const SpanScope span("forward");
  const auto seed = static_cast<std::uint64_t>(config_.seed);
  const ModelInput input{micro.inputs, {micro.size(), micro.context, steps_done_, micro.samples, unit_}, keys_};
  ModelOutput output = replica_.model.forward(input, *replica_.router, Phase::Training, seed);
  if (observer_) observer_(output, input.context);
  const std::int64_t updated = rows_updated(output, micro.size() * micro.context, config_.model.layers);
  totals_.add_routes(output, unit_, 1.0 / static_cast<double>(tokens_per_step()));
  ScoredLogits scored = cross_entropy_with_z_loss(replica_.model.logits(output.hidden), micro.targets, inverse_,
                                                  static_cast<float>(config_.model.z_loss));
  totals_.add_loss(scored.cross_entropy);
  if (scored.z_loss.defined()) totals_.add_z_loss(scored.z_loss);
  Tensor loss = std::move(scored.loss);
  scored = {};
  for (const Tensor& auxiliary : output.losses) {
    totals_.add_auxiliary(auxiliary);
    loss = add(loss, auxiliary);
  }
  return {std::move(loss), updated};  // from here on the tape alone keeps what backward needs
}

StepReport Trainer::report(const StepTotals::Read& read, double seconds, double waited) const {
  const double forward = dense_forward_flops(config_.model, config_.model.context);
  return {.step = steps_done_,
          .tokens = steps_done_ * tokens_per_step(),
          .data = read.data,
          .loss = read.loss,
          .auxiliary = read.auxiliary,
          .z_loss = read.z_loss,
          .learning_rate = learning_rate_at(config_.optim, config_.train.steps, steps_done_ - 1),
          .gradient_norm = read.gradient_norm,
          .seconds = seconds,
          .tokens_per_second = static_cast<double>(tokens_per_step()) / seconds,
          .executed_flops = read.flops,
          .recomputed_flops = read.recomputed_flops,
          .dense_flops = training_flops(forward) * static_cast<double>(config_.train.batch),
          .depth = read.depth,
          .gate = read.gate,
          .gate_bins = read.gate_bins,
          .balance = read.balance(ranks_.rank(), waited),
          .votes = read.votes,
          .is_skipped = !read.went};
}

}  // namespace isobath
