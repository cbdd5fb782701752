#pragma once
// What a rank knows at the moment at which it gives up waiting.

#include <string>

#include "parallel/transport/collective_ring.hpp"

namespace isobath {

struct CrashReport {
  int rank = 0;
  std::string stage;
  bool have_met = true;  ///< whether MPI has started: before that there are no collectives
  std::int64_t step = 0;
  double limit = 0;   ///< seconds of the stage
  double waited = 0;  ///< seconds since it began
  std::vector<CollectiveNote> collectives;
};

/// One line for people: who is missing in the collective that took most of the stage, whether it still runs or not, or
/// that this rank itself is the late one. A peer that gave up first may have let go of what this rank waited for.
std::string line_of(const CrashReport& crash);

/// For crash-RANK.json. Times of collectives are seconds before now.
std::string json_of(const CrashReport& crash);

}  // namespace isobath
