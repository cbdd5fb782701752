#pragma once
// A thread that ends the job when the work does not go on: a peer has died, hangs, or never came. Nothing it does can
// hang for longer than its last deadline, whatever the state of disks, pipes, locks and MPI, which it never calls.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "configs/schema/watchdog_config.hpp"
#include "parallel/transport/collective_ring.hpp"

namespace isobath {

/// What the rank is busy with; each has a limit of its own. Idle has none; Meeting, while MPI starts, has that of the
/// start-up.
enum class Stage { Idle, Meeting, StartUp, FirstStep, Step, Checkpoint };
const char* name_of(Stage stage);

struct WatchdogJob {
  int rank = 0;
  /// Where crash-RANK.json goes; empty: nowhere, there is only the line.
  std::filesystem::path folder = {};
  /// May be null.
  std::shared_ptr<const CollectiveRing> ring = {};
  /// Ends the job with code 79: Communicator::abort.
  std::function<void()> end = [] {};
  /// Seconds from the end of a limit to the end of this process by the watchdog's own hand.
  double last_deadline = 10;
};

/// On a stage that lasts longer than its limit on the steady clock: one line on standard error that says which rank is
/// missing in which collective, crash-RANK.json, and the end of the job with code 79. Time in which this process itself
/// was stopped does not count: its peers notice.
class Watchdog {
 public:
  /// Starts in Stage::Idle.
  Watchdog(const WatchdogConfig& limits, WatchdogJob job);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// The clock starts again. `step` is for the report. Any thread, never blocks.
  void enter(Stage stage, std::int64_t step = 0) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace isobath
