#include "trainer/run/save_clock.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace isobath {
namespace {

constexpr double kSecondsPerHour = 3600.0;

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

std::optional<double> job_seconds(const CheckpointConfig& config) {
  if (config.walltime_hours > 0.0) return config.walltime_hours * kSecondsPerHour;
  const char* const end = std::getenv("SLURM_JOB_END_TIME");
  if (end == nullptr) return std::nullopt;
  char* rest = nullptr;
  const double seconds = std::strtod(end, &rest);
  if (rest == end || *rest != '\0') return std::nullopt;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return seconds - std::chrono::duration<double>(now).count();
}

SaveClock::SaveClock(const CheckpointConfig& config) : mtbf_(config.mtbf_hours * kSecondsPerHour) {
  if (const auto seconds = job_seconds(config))
    job_end_ = last_request_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(*seconds));
}

void SaveClock::requested() {
  last_request_ = Clock::now();
  is_saving_ = true;
  stall_ = 0.0;
  slow_seconds_ = 0.0;
  slow_steps_ = 0;
}

void SaveClock::step(double seconds) {
  if (is_saving_) {
    slow_seconds_ += seconds;
    ++slow_steps_;
  } else {
    usual_step_ = usual_step_ == 0.0 ? seconds : 0.9 * usual_step_ + 0.1 * seconds;
  }
}

double SaveClock::durable() {
  is_saving_ = false;
  until_durable_ = seconds_since_request();
  const double slowdown = slow_seconds_ - static_cast<double>(slow_steps_) * usual_step_;
  cost_ = stall_ + std::max(0.0, slowdown);
  return until_durable_;
}

void SaveClock::given_up() { is_saving_ = false; }

SaveTiming SaveClock::timing() const {
  SaveTiming timing{.since_last = seconds_since_request(),
                    .cost = cost_.value_or(0.0),
                    .until_durable = until_durable_,
                    .step = usual_step_,
                    .mtbf = mtbf_};
  if (job_end_) timing.left = seconds_between(Clock::now(), *job_end_);
  return timing;
}

double SaveClock::seconds_since_request() const { return seconds_between(last_request_, Clock::now()); }

}  // namespace isobath
