#include "trainer/bench/step_bench.hpp"

#include <algorithm>
#include <chrono>
#include <memory>

#include "ops/core/cpu/matmul.hpp"
#include "ops/core/host_waits.hpp"
#include "trainer/metrics/flops.hpp"
#include "trainer/replica.hpp"
#include "trainer/trainer.hpp"

namespace isobath {
namespace {

double seconds_of(const std::function<void()>& work) {
  const auto begun = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

/// A rank's share of a batch of tokens that mean nothing: time does not depend on them.
Batch random_batch(const ModelConfig& model, std::int64_t batch, const Communicator& ranks) {
  const IndexRange mine = share_of(batch, {ranks.rank(), ranks.size()});
  const auto key = RandomKey{1, Purpose::Test, 0, 0}.words();
  HostBatch host;
  host.context = model.context;
  for (std::int64_t sample = mine.begin; sample < mine.end; ++sample) {
    for (std::int64_t t = 0; t < model.context; ++t) {
      const auto words = draw4(key, static_cast<std::uint64_t>(sample), static_cast<std::uint64_t>(t), 0);
      host.inputs.push_back(static_cast<std::int32_t>(words[0] % static_cast<std::uint32_t>(model.vocabulary)));
      host.targets.push_back(static_cast<std::int32_t>(words[1] % static_cast<std::uint32_t>(model.vocabulary)));
    }
    host.samples.push_back(sample);
    host.valid_targets.push_back(model.context);
  }
  return host.to(Device::cpu());
}

RunConfig run_config(const StepBenchOptions& options, const DepthConfig& depth) {
  RunConfig config;
  config.model = options.model;
  config.depth = depth;
  config.train.batch = options.batch;
  config.train.steps = options.warmup + options.steps;
  return config;
}

/// One row's model under measurement.
class Contender {
 public:
  Contender(const StepBenchOptions& options, const DepthConfig& depth, Communicator& ranks)
      : config_(run_config(options, depth)),
        replica_(config_, Device::cpu(), ranks.size()),
        trainer_(config_, replica_, ranks),
        batch_(random_batch(config_.model, options.batch, ranks)) {}

  void step(bool is_counted) {
    const std::int64_t waits = host_waits(), blocks = allocator_stats(DeviceKind::Cpu).blocks_created;
    const std::int64_t held = allocator_stats(DeviceKind::Cpu).bytes_in_use;
    reset_allocator_peak(DeviceKind::Cpu);
    const double taken = seconds_of([&] { trainer_.step(batch_); });
    if (!is_counted) return;
    seconds_.push_back(taken);
    row_.activation_bytes = std::max(row_.activation_bytes, allocator_stats(DeviceKind::Cpu).bytes_peak - held);
    row_.new_blocks += allocator_stats(DeviceKind::Cpu).blocks_created - blocks;
    row_.host_waits = std::max(row_.host_waits, host_waits() - waits);
  }

  StepBenchRow row(const StepBenchOptions& options, double peak, const Contender& first) const {
    StepBenchRow out = row_;
    out.policy = name_of(config_.depth.policy);
    out.seconds = median(seconds_);
    out.tokens_per_second = static_cast<double>(options.batch * config_.model.context) / out.seconds;
    out.model_flops = model_flops(config_.model, config_.depth, options.batch);
    out.share_of_peak = out.model_flops / out.seconds / peak;
    out.flop_ratio = out.model_flops / model_flops(first.config_.model, first.config_.depth, options.batch);
    std::vector<double> ratios;
    for (std::size_t i = 0; i < seconds_.size(); ++i) ratios.push_back(seconds_[i] / first.seconds_[i]);
    out.time_ratio = median(ratios);
    return out;
  }

 private:
  RunConfig config_;
  Replica replica_;
  Trainer trainer_;
  Batch batch_;
  std::vector<double> seconds_;
  StepBenchRow row_;
};

}  // namespace

double measure_peak() {
  constexpr std::int64_t kM = 2048, kN = 3072, kK = 768;
  constexpr int kRuns = 20;
  const Tensor a = Tensor::zeros(Shape{kM, kK}, DType::F32), b = Tensor::zeros(Shape{kK, kN}, DType::F32);
  const Tensor c = Tensor::empty(Shape{kM, kN}, DType::F32);
  const auto matrix = [](const Tensor& t) {
    return kernel::Matrix<float>::dense(t.view<float>().data, t.dim(0), t.dim(1));
  };
  double best = 1e9;
  for (int run = 0; run < kRuns; ++run)
    best = std::min(best, seconds_of([&] {
                      kernel::matmul<float, float>(matrix(a), matrix(b), matrix(c), Accumulate::Overwrite);
                    }));
  return 2.0 * kM * kN * kK / best;
}

double model_flops(const ModelConfig& model, const DepthConfig& depth, std::int64_t batch) {
  const MixtureOfDepthsConfig& mixture = depth.mixture_of_depths;
  double forward = head_forward_flops(model, model.context);
  for (std::int64_t layer = 0; layer < model.layers; ++layer) {
    const bool routed = depth.policy == DepthPolicy::MixtureOfDepths && layer >= mixture.first &&
                        (layer - mixture.first) % mixture.every == 0;
    forward += block_forward_flops(model, routed ? mixture.tokens_kept(model.context) : model.context);
  }
  return training_flops(forward) * static_cast<double>(batch);
}

StepBenchReport bench_steps(const StepBenchOptions& options, Communicator& ranks) {
  StepBenchReport report;
  std::vector<double> peak{0.0};
  std::vector<std::unique_ptr<Contender>> contenders;
  for (const DepthConfig& depth : options.depths)
    contenders.push_back(std::make_unique<Contender>(options, depth, ranks));
  ranks.barrier();
  peak[0] = measure_peak();
  ranks.all_reduce(MutableBuffer::of(peak), Reduce::Sum).wait();
  report.peak_flops = peak[0];
  for (std::int64_t step = 0; step < options.warmup + options.steps; ++step)
    for (const auto& contender : contenders) contender->step(step >= options.warmup);
  for (const auto& contender : contenders)
    report.rows.push_back(contender->row(options, report.peak_flops, *contenders.front()));
  return report;
}

}  // namespace isobath
