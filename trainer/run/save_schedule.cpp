#include "trainer/run/save_schedule.hpp"

#include <algorithm>
#include <cmath>

namespace isobath {
namespace {

// Even when nothing is due for long.
constexpr double kMostSteps = 1000.0;

}  // namespace

double young_interval(double cost, double mtbf) { return std::sqrt(2.0 * cost * mtbf); }

double last_call(const SaveTiming& timing) { return 2.0 * timing.until_durable + 2.0 * timing.step; }

double due_in(const SaveTiming& timing) {
  const double interval = std::max(young_interval(timing.cost, timing.mtbf), timing.until_durable);
  const double due = interval - timing.since_last;
  if (!timing.left) return due;
  const double to_last_call = *timing.left - last_call(timing);
  if (to_last_call > 0.0) return std::min(due, to_last_call);
  // The call has come. It was answered if the last request is younger than it.
  const bool was_answered = timing.since_last < -to_last_call;
  return was_answered ? std::numeric_limits<double>::infinity() : 0.0;
}

std::int64_t steps_to_next_look(const SaveTiming& timing) {
  const double due = due_in(timing);
  if (due <= 0.5 * timing.step) return kSaveNow;
  const double steps = timing.step > 0.0 ? due / timing.step : kMostSteps;
  return static_cast<std::int64_t>(std::clamp(std::floor(steps / 2.0), 1.0, kMostSteps));
}

}  // namespace isobath
