#include "launcher/environment.hpp"

#include <cstdlib>

#include <unistd.h>

namespace isobath {
namespace {

// About 50 us of spinning on today's cores: longer than the gap between two parallel loops of a step, far shorter than
// a scheduler's slice.
constexpr const char* kSpinCount = "10000";
constexpr const char* kSettledMark = "ISOBATH_ENVIRONMENT_SETTLED";

}  // namespace

void settle_environment(char** arguments) {
  if (std::getenv(kSettledMark) != nullptr) return;
  ::setenv(kSettledMark, "1", 1);
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  ::setenv("GOMP_SPINCOUNT", kSpinCount, 1);
  ::execv("/proc/self/exe", arguments);
  // Without /proc the program goes on as it is: only waiting gets more expensive.
}

}  // namespace isobath
