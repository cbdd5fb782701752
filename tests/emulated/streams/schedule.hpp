#pragma once
// When the work of a stream runs. A right program gives the same answers under every schedule.

#include <cstdint>

namespace isobath::emulated {

enum class ScheduleKind {
  Eager,   ///< in the call that queues it
  Late,    ///< when somebody waits for it, and then nothing else
  Random,  ///< heads of streams drawn by chance, at any call, whether somebody waits or not
};

struct Schedule {
  ScheduleKind kind = ScheduleKind::Late;
  std::uint64_t seed = 1;  // of Random
};

/// As ISOBATH_EMULATED_STREAMS says: late (the default), eager, random or random:SEED; anything else throws
/// std::invalid_argument.
Schedule schedule_from_environment();

/// Of the process. Work that is queued stays queued.
Schedule schedule();
void set_schedule(Schedule schedule);

}  // namespace isobath::emulated
