#include "parallel/watch/watchdog.hpp"

#include <atomic>
#include <thread>

#include <pthread.h>
#include <unistd.h>

#include "ops/core/files/durable.hpp"
#include "ops/core/steady_clock.hpp"
#include "parallel/transport/without_signals.hpp"
#include "parallel/watch/crash_report.hpp"

namespace isobath {
namespace {

// Small beside every sensible limit, large beside what a look costs.
constexpr std::chrono::milliseconds kLook{20};
// A look that comes so much later than it should: the process was stopped or suspended, not slow.
constexpr std::int64_t kStopped = 1'000'000'000;

std::int64_t nanoseconds_of(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

double limit_of(const WatchdogConfig& limits, Stage stage) {
  switch (stage) {
    case Stage::Idle:
      return 0;
    case Stage::Meeting:
    case Stage::StartUp:
      return limits.start_up;
    case Stage::FirstStep:
      return limits.first_step;
    case Stage::Step:
      return limits.step;
    case Stage::Checkpoint:
      return limits.checkpoint;
  }
  return 0;
}

}  // namespace

const char* name_of(Stage stage) {
  constexpr const char* names[] = {"idle", "start of MPI", "start-up", "first step", "step", "checkpoint"};
  return names[static_cast<std::size_t>(stage)];
}

struct Watchdog::State {
  enum class Course { Watching, Expired, Over };

  WatchdogConfig limits;
  WatchdogJob job;
  std::atomic<Stage> stage{Stage::Idle};
  std::atomic<std::int64_t> step{0}, entered{0}, deadline{0};  // nanoseconds; deadline 0: none
  std::atomic<Course> course{Course::Watching};
  // Two threads: one may hang while it writes, the other only looks at the clock.
  std::thread clock, reporter;

  void watch() {
    for (std::int64_t before = nanoseconds_now(); course.load() == Course::Watching;) {
      std::this_thread::sleep_for(kLook);
      const std::int64_t at = nanoseconds_now(), slept = at - before;
      before = at;
      std::int64_t limit = deadline.load();
      if (slept > kStopped && limit != 0) deadline.compare_exchange_strong(limit, limit + slept);
      if (limit == 0 || at < deadline.load() || deadline.load() == 0) continue;
      Course watching = Course::Watching;
      if (!course.compare_exchange_strong(watching, Course::Expired)) return;
      course.notify_all();
      return wait_for_report(at + nanoseconds_of(job.last_deadline));
    }
  }

  void wait_for_report(std::int64_t last) {
    while (course.load() != Course::Over) {
      if (nanoseconds_now() > last) ::_exit(static_cast<int>(ExitCode::PeerLost));
      std::this_thread::sleep_for(kLook);
    }
  }

  void report() {
    course.wait(Course::Watching);
    if (course.load() != Course::Expired) return;
    CrashReport crash;
    crash.rank = job.rank;
    crash.stage = name_of(stage.load());
    crash.have_met = stage.load() != Stage::Meeting;
    crash.step = step.load();
    crash.limit = limit_of(limits, stage.load());
    crash.waited = static_cast<double>(nanoseconds_now() - entered.load()) * 1e-9;
    if (job.ring) crash.collectives = job.ring->notes();
    tell(crash);
    job.end();
    course.store(Course::Over);
  }

  // The line first: it needs no disk. Not through the log, whose lock a thread that hangs may hold.
  void tell(const CrashReport& crash) const {
    std::string line = "error: " + line_of(crash);
    const std::filesystem::path file = job.folder / text("crash-", job.rank, ".json");
    if (!job.folder.empty()) line += text("; see ", file.string());
    line += '\n';
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    if (job.folder.empty()) return;
    try {
      write_durably(file, json_of(crash));
    } catch (const std::exception& error) {
      const std::string problem = text("error: ", error.what(), '\n');
      [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, problem.data(), problem.size());
    }
  }
};

Watchdog::Watchdog(const WatchdogConfig& limits, WatchdogJob job) : state_(std::make_unique<State>()) {
  state_->limits = limits;
  state_->job = std::move(job);
  const WithoutSignals scope;
  state_->reporter = std::thread([state = state_.get()] { state->report(); });
  state_->clock = std::thread([state = state_.get()] { state->watch(); });
  pthread_setname_np(state_->clock.native_handle(), "isobath-watch");
}

Watchdog::~Watchdog() {
  State::Course watching = State::Course::Watching;
  state_->course.compare_exchange_strong(watching, State::Course::Over);
  state_->course.notify_all();
  state_->reporter.join();
  state_->clock.join();
}

void Watchdog::enter(Stage stage, std::int64_t step) noexcept {
  const std::int64_t at = nanoseconds_now(), limit = nanoseconds_of(limit_of(state_->limits, stage));
  state_->deadline.store(0);
  state_->stage.store(stage);
  state_->step.store(step);
  state_->entered.store(at);
  if (limit > 0) state_->deadline.store(at + limit);
}

}  // namespace isobath
