#include "trainer/bench/step_bench.hpp"

#include <algorithm>
#include <chrono>
#include <memory>

#include "ops/core/threads.hpp"
#include "parallel/host/binding.hpp"
#include "parallel/world.hpp"
#include "trainer/bench/contender.hpp"
#include "trainer/bench/machine_limits.hpp"
#include "trainer/metrics/flops.hpp"
#include "trainer/report/step_trace.hpp"
#include "trainer/run/device_ranks.hpp"

namespace isobath {
namespace {

/// The sum of all ranks' peaks, measured side by side.
double peak_of(DTypeChoice dtype, Device device, Communicator& ranks) {
  ranks.barrier();
  std::vector<double> peak{measure_peak(dtype, device)};
  ranks.all_reduce(MutableBuffer::of(peak), Reduce::Sum).wait();
  return peak[0];
}

/// The first `size` ranks as a group of their own, which between them use all kernel threads of the world.
struct Team {
  std::unique_ptr<Communicator> host;
  std::unique_ptr<Communicator> members;  // that reach the device; null where `host` does
  std::vector<int> cores;                 // of this rank while the team works; empty: as they are
  std::unique_ptr<Contender> contender;   // null on ranks that sit out
};

/// The cores that a run of the first `size` ranks alone would give to `rank`.
std::vector<int> cores_in_team(std::vector<Place> places, std::size_t rank, int size, int threads) {
  const std::vector<int> all = places[rank].cores;
  places.resize(static_cast<std::size_t>(size));
  const std::vector<int> bound = cores_to_bind(places, rank, threads);
  return bound.empty() ? all : bound;
}

Team make_team(const StepBenchOptions& options, int size, int all_threads, const std::vector<Place>& places,
               Communicator& world) {
  const bool joins = world.rank() < size;
  const int threads = all_threads / size;
  Team team{world.split(Color{joins ? 0 : 1}), nullptr, {}, nullptr};
  if (!joins) return team;
  if (options.bind == Binding::Auto && !openmp_has_orders(process_environment()))
    team.cores = cores_in_team(places, static_cast<std::size_t>(world.rank()), size, threads);
  team.members = ranks_on_device(options.device, *team.host, {});
  team.contender = std::make_unique<Contender>(
      options, ContenderKind{options.depths.front(), options.dtypes.front(), options.recomputes.front()},
      team.members ? *team.members : *team.host, threads);
  return team;
}

/// The trace of one step of each; times count from a moment that all ranks share.
std::string trace_of(const std::vector<std::unique_ptr<Contender>>& contenders, Communicator& ranks) {
  ranks.barrier();
  const auto origin = std::chrono::steady_clock::now().time_since_epoch();
  const OpClock clock(KeepSpans::Yes);
  for (const auto& contender : contenders) contender->traced_step();
  return trace_events(clock.spans(), ranks.rank(), std::chrono::nanoseconds(origin).count());
}

}  // namespace

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

StepBenchReport bench_steps(const StepBenchOptions& options, Communicator& host) {
  const std::unique_ptr<Communicator> on_device = ranks_on_device(options.device, host, {});
  Communicator& ranks = on_device ? *on_device : host;
  const int threads = kernel_threads();
  std::vector<double> peaks;
  std::vector<std::unique_ptr<Contender>> contenders;  // by dtype, by policy, by recomputation
  for (const DTypeChoice dtype : options.dtypes) {
    peaks.push_back(peak_of(dtype, options.device, ranks));
    for (const DepthConfig& depth : options.depths)
      for (const Recompute recompute : options.recomputes)
        contenders.push_back(
            std::make_unique<Contender>(options, ContenderKind{depth, dtype, recompute}, ranks, threads));
  }
  for (std::int64_t step = 0; step < options.warmup; ++step)
    for (const auto& contender : contenders) contender->warm_up();
  for (std::int64_t step = 0; step < options.steps; ++step)
    for (const auto& contender : contenders) contender->measured_step();
  StepBenchReport report;
  if (options.traced) report.trace = trace_of(contenders, ranks);
  if (options.by_op) report.bandwidth = measure_bandwidth(options.device);
  const std::size_t choices = options.recomputes.size(), in_dtype = options.depths.size() * choices;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    const double peak = peaks[i / in_dtype];
    report.rows.push_back(contenders[i]->row(peak, {.dense = *contenders[i / in_dtype * in_dtype],
                                                    .same_kind = *contenders[i % in_dtype],
                                                    .same_policy = *contenders[i / choices * choices]}));
    if (options.by_op) report.rows.back().ops = contenders[i]->steps_by_op(options.steps, {peak, report.bandwidth});
  }
  return report;
}

StepBenchReport bench_ranks(const StepBenchOptions& options, Communicator& ranks) {
  const int threads = kernel_threads();
  const double peak = peak_of(options.dtypes.front(), options.device, ranks);
  StepBenchReport report;
  const std::vector<Place> places = gather_places(ranks);
  std::vector<Team> teams;
  for (int size = 1; size <= ranks.size(); ++size)
    if (ranks.size() % size == 0) teams.push_back(make_team(options, size, threads * ranks.size(), places, ranks));
  for (std::int64_t step = 0; step < options.warmup + options.steps; ++step) {
    for (const Team& team : teams) {
      ranks.barrier();  // the others sleep until the team is done
      if (!team.contender) continue;
      end_idle_threads();
      if (!team.cores.empty()) bind_to(team.cores);
      if (step < options.warmup)
        team.contender->warm_up();
      else
        team.contender->measured_step();
    }
  }
  for (const Team& team : teams) {
    ranks.barrier();
    if (team.contender) team.contender->measure_bus();
  }
  ranks.barrier();
  set_kernel_threads(threads);
  if (ranks.rank() != 0) return report;
  for (const Team& team : teams)
    report.rows.push_back(team.contender->row(
        peak, {.dense = *teams.front().contender, .same_kind = *team.contender, .same_policy = *team.contender}));
  return report;
}

}  // namespace isobath
