#include "trainer/bench/step_bench.hpp"

#include <algorithm>
#include <memory>

#include "ops/core/cpu/matmul.hpp"
#include "ops/core/threads.hpp"
#include "trainer/bench/contender.hpp"
#include "trainer/bench/measuring.hpp"
#include "trainer/metrics/flops.hpp"

namespace isobath {
namespace {

/// The sum of all ranks' peaks, measured side by side.
double peak_of(Communicator& ranks) {
  ranks.barrier();
  std::vector<double> peak{measure_peak()};
  ranks.all_reduce(MutableBuffer::of(peak), Reduce::Sum).wait();
  return peak[0];
}

/// The first `size` ranks as a group of their own, which between them use all kernel threads of the world.
struct Team {
  std::unique_ptr<Communicator> members;
  std::unique_ptr<Contender> contender;  // null on ranks that sit out
};

Team make_team(const StepBenchOptions& options, int size, int all_threads, Communicator& world) {
  const bool joins = world.rank() < size;
  Team team{world.split(Color{joins ? 0 : 1}), nullptr};
  if (joins)
    team.contender = std::make_unique<Contender>(options, options.depths.front(), *team.members, all_threads / size);
  return team;
}

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
  const int threads = kernel_threads();
  StepBenchReport report{peak_of(ranks), {}};
  std::vector<std::unique_ptr<Contender>> contenders;
  for (const DepthConfig& depth : options.depths)
    contenders.push_back(std::make_unique<Contender>(options, depth, ranks, threads));
  for (std::int64_t step = 0; step < options.warmup; ++step)
    for (const auto& contender : contenders) contender->warm_up();
  for (std::int64_t step = 0; step < options.steps; ++step)
    for (const auto& contender : contenders) contender->measured_step();
  for (const auto& contender : contenders)
    report.rows.push_back(contender->row(report.peak_flops, *contenders.front()));
  return report;
}

StepBenchReport bench_ranks(const StepBenchOptions& options, Communicator& ranks) {
  const int threads = kernel_threads();
  StepBenchReport report{peak_of(ranks), {}};
  std::vector<Team> teams;
  for (int size = 1; size <= ranks.size(); ++size)
    if (ranks.size() % size == 0) teams.push_back(make_team(options, size, threads * ranks.size(), ranks));
  for (std::int64_t step = 0; step < options.warmup + options.steps; ++step) {
    for (const Team& team : teams) {
      ranks.barrier();  // the others sleep until the team is done
      if (!team.contender) continue;
      if (step < options.warmup)
        team.contender->warm_up();
      else
        team.contender->measured_step();
    }
  }
  ranks.barrier();
  set_kernel_threads(threads);
  if (ranks.rank() != 0) return report;
  for (const Team& team : teams)
    report.rows.push_back(team.contender->row(report.peak_flops, *teams.front().contender));
  return report;
}

}  // namespace isobath
