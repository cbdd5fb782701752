#include "trainer/bench/contender.hpp"

#include <algorithm>

#include "ops/core/host_waits.hpp"
#include "ops/core/threads.hpp"
#include "trainer/bench/machine_limits.hpp"
#include "trainer/bench/measuring.hpp"

namespace isobath {
namespace {

RunConfig run_config(const StepBenchOptions& options, const ContenderKind& kind) {
  RunConfig config;
  config.model = options.model;
  config.depth = kind.depth;
  config.system.dtype = kind.dtype;
  config.system.cuda_graph = options.cuda_graph;
  config.parallel = options.parallel;
  config.train.batch = options.batch;
  config.train.recompute = kind.recompute;
  config.train.steps = options.warmup + options.steps;
  return config;
}

}  // namespace

Contender::Contender(const StepBenchOptions& options, const ContenderKind& kind, Communicator& ranks, int threads)
    : config_(run_config(options, kind)),
      ranks_(ranks),
      threads_(threads),
      device_(options.device),
      replica_(config_, device_, ranks.size()),
      trainer_(config_, replica_, ranks),
      batch_(random_batch(config_.model, options.batch, ranks, device_)),
      label_(text(name_of(kind.depth.policy), ' ', name_of(kind.dtype), ", recompute ", name_of(kind.recompute))) {}

StepReport Contender::take_step() {
  set_kernel_threads(threads_);
  return trainer_.step(batch_);
}

void Contender::measured_step() {
  const std::int64_t waits = host_waits(), blocks = allocator_stats(device_.kind).blocks_created;
  const std::int64_t held = allocator_stats(device_.kind).bytes_in_use;
  reset_allocator_peak(device_.kind);
  const StepReport report = take_step();
  seconds_.push_back(report.seconds);
  compute_.push_back(report.balance.compute_max);
  communication_.push_back(report.balance.communication);
  imbalance_.push_back(report.balance.compute_max / report.balance.compute_median);
  row_.activation_bytes = std::max(row_.activation_bytes, allocator_stats(device_.kind).bytes_peak - held);
  row_.new_blocks += allocator_stats(device_.kind).blocks_created - blocks;
  row_.host_waits = std::max(row_.host_waits, host_waits() - waits);
}

void Contender::measure_bus() {
  row_.bus_bandwidth = measure_bus_bandwidth(ranks_, replica_.parameters.values().count(), device_);
}

StepBenchRow Contender::row(double peak_flops, const Others& others) const {
  const Contender& first = others.dense;
  StepBenchRow out = row_;
  out.policy = name_of(config_.depth.policy);
  out.dtype = config_.system.dtype;
  out.recompute = config_.train.recompute;
  out.peak_flops = peak_flops;
  out.ranks = ranks_.size();
  out.threads = threads_;
  out.seconds = median(seconds_);
  out.compute_seconds = median(compute_);
  out.communication_seconds = median(communication_);
  out.imbalance = median(imbalance_);
  out.tokens_per_second = static_cast<double>(config_.train.batch * config_.model.context) / out.seconds;
  out.model_flops = model_flops(config_.model, config_.depth, config_.train.batch);
  out.share_of_peak = out.model_flops / out.seconds / peak_flops;
  out.flop_ratio = out.model_flops / model_flops(first.config_.model, first.config_.depth, first.config_.train.batch);
  out.time_ratio = time_ratio_to(first);
  out.dtype_ratio = time_ratio_to(others.same_kind);
  out.recompute_ratio = time_ratio_to(others.same_policy);
  return out;
}

double Contender::time_ratio_to(const Contender& other) const {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < seconds_.size(); ++i) ratios.push_back(seconds_[i] / other.seconds_[i]);
  return median(ratios);
}

void Contender::traced_step() {
  const SpanScope span(label_.c_str());
  take_step();
}

std::vector<OpRow> Contender::steps_by_op(std::int64_t steps, const OpLimits& limits) {
  OpClock clock;
  const Ledger before = ledger();
  double seconds = 0.0;
  for (std::int64_t step = 0; step < steps; ++step) seconds += take_step().seconds;
  clock.settle();
  return op_table(clock, ledger() - before, {steps, seconds}, limits);
}

}  // namespace isobath
