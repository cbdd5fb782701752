#include "launcher/session.hpp"

#include <new>

#include "configs/schema/document/config_error.hpp"
#include "ops/core/log.hpp"
#include "ops/core/threads.hpp"
#include "parallel/agreement.hpp"
#include "parallel/host/binding.hpp"
#include "parallel/mpi_session.hpp"
#include "parallel/self_communicator.hpp"
#include "parallel/self_test.hpp"
#include "parallel/transport/end_process.hpp"
#include "parallel/watch/peer_watch.hpp"
#include "parallel/world.hpp"

namespace isobath {
namespace {

ExitCode say(ExitCode code, const std::string& message) {
  log(code == ExitCode::Requeue ? LogLevel::Info : LogLevel::Error, message);
  return code;
}

void check_launch(int world_size) {
  const std::string mistake = launch_mistake(process_environment(), world_size);
  if (!mistake.empty()) throw Error(ExitCode::Usage, mistake);
}

/// Ends this process when MPI does not start; it knows no communicator, so its launcher ends the others.
std::unique_ptr<Watchdog> watch_meeting(const WatchdogConfig& limits) {
  auto watchdog = std::make_unique<Watchdog>(limits, WatchdogJob{.rank = launched_rank(process_environment()),
                                                                 .end = [] { end_process(ExitCode::PeerLost); }});
  watchdog->enter(Stage::Meeting);
  return watchdog;
}

/// The ranks' work under MPI. What every rank threw alike ends in an orderly way; anything else takes the job down from
/// here.
ExitCode on_mpi_ranks(const std::function<ExitCode(Communicator&)>& work, const WatchdogConfig& limits) {
  std::unique_ptr<Watchdog> meeting = watch_meeting(limits);
  MpiSession session;
  Communicator& world = session.world();
  check_launch(world.size());
  set_log_rank(world.rank());
  ExitCode code = ExitCode::Done;
  try {
    meeting = std::make_unique<Watchdog>(limits, watchdog_job(world, {}));
    meeting->enter(Stage::StartUp);
    test_sums(world);
    const PeerWatch watch(world);
    meeting = nullptr;
    code = work(world);
  } catch (const AgreedError& error) {
    code = error.code();
    if (error.voice() == Voice::Speaks) say(code, error.what());
  } catch (...) {
    world.abort(report_current_exception());
  }
  session.finish();
  return code;
}

/// Binds this rank; the cores of every rank that does, or nothing where binding is not wanted.
std::vector<std::vector<int>> bind_ranks(const SystemConfig& system, const std::vector<Place>& places, std::size_t mine,
                                         int threads) {
  if (system.bind == Binding::None || openmp_has_orders(process_environment())) return {};
  std::vector<std::vector<int>> bound;
  for (std::size_t rank = 0; rank < places.size(); ++rank) bound.push_back(cores_to_bind(places, rank, threads));
  if (!bound[mine].empty() && !bind_to(bound[mine]))
    log_warning(text("cores ", cores_text(bound[mine]), " are refused; this rank is not bound"));
  return bound;
}

}  // namespace

ExitCode on_ranks(const std::function<ExitCode(Communicator& ranks)>& work, const WatchdogConfig& limits) {
  if (launched_by_mpi(process_environment())) return on_mpi_ranks(work, limits);
  check_launch(1);  // srun without PMI starts ranks that know nothing of each other
  SelfCommunicator alone;
  return work(alone);
}

WatchdogJob watchdog_job(Communicator& ranks, std::filesystem::path folder) {
  return {.rank = ranks.rank(), .folder = std::move(folder), .ring = ranks.ring(), .end = [&ranks] {
            ranks.abort(ExitCode::PeerLost);
          }};
}

int settle_threads(const SystemConfig& system, Communicator& ranks) {
  const std::vector<Place> places = gather_places(ranks);
  const auto mine = static_cast<std::size_t>(ranks.rank());
  const HostShare host = host_share(places, mine);
  const int threads = system.threads > 0 ? static_cast<int>(system.threads) : host.threads;
  const std::vector<std::vector<int>> bound = bind_ranks(system, places, mine, threads);
  set_kernel_threads(threads);
  if (ranks.rank() == 0) log_info(ranks_text(places, bound, threads));
  const std::string warning = oversubscription_warning(host, threads);
  if (!warning.empty() && ranks.rank() == 0) log_warning(warning);
  return threads;
}

ExitCode report_current_exception() {
  try {
    throw;
  } catch (const ConfigError& error) {
    return say(ExitCode::Config, error.what());
  } catch (const Error& error) {
    return say(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return say(ExitCode::Internal,
               "out of memory; lower train.batch or model.width, or raise train.micro_batches (see --dry-run)");
  } catch (const std::exception& error) {
    return say(ExitCode::Internal, text("internal error: ", error.what()));
  }
}

}  // namespace isobath
