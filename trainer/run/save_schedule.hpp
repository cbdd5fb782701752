#pragma once
// When the next checkpoint is due if its cost decides: arithmetic only, no clock.

#include <cstdint>
#include <limits>
#include <optional>

namespace isobath {

/// Seconds between checkpoints that cost `cost` seconds each and failures that come every `mtbf` seconds on average:
/// sqrt(2 cost mtbf), which loses least (J. W. Young, "A first order approximation to the optimum checkpoint interval",
/// Communications of the ACM 17(9), 1974).
double young_interval(double cost, double mtbf);

/// What rank 0 knows at the end of a step. All in seconds.
struct SaveTiming {
  double since_last = 0.0;     ///< since the last request, or since the start
  double cost = 0.0;           ///< of one checkpoint to the run: how much later its steps end because of it
  double until_durable = 0.0;  ///< from a request until the checkpoint counts
  double step = 0.0;           ///< that a step takes
  double mtbf = 0.0;
  std::optional<double> left = std::nullopt;  ///< of the job's time
};

/// How long before the job's end the last checkpoint is requested: twice what it takes to become durable, and two
/// steps, because a request can only be made between steps.
double last_call(const SaveTiming& timing);

/// Seconds until the next request; not positive: now. Never sooner after another than that takes to become durable.
/// Infinite when the last one before the job's end was made.
double due_in(const SaveTiming& timing);

inline constexpr std::int64_t kSaveNow = 0;
/// kSaveNow, or after how many steps to ask again. Half of the way each time, so that steps that get slower or faster
/// are noticed, with few questions.
std::int64_t steps_to_next_look(const SaveTiming& timing);

}  // namespace isobath
