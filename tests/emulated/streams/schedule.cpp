#include "tests/emulated/streams/schedule.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace isobath::emulated {

Schedule schedule_from_environment() {
  const char* const variable = std::getenv("ISOBATH_EMULATED_STREAMS");
  const std::string wanted = variable == nullptr ? "late" : variable;
  if (wanted == "late") return {};
  if (wanted == "eager") return {ScheduleKind::Eager};
  if (wanted == "random") return {ScheduleKind::Random};
  constexpr char kPrefix[] = "random:";
  if (wanted.starts_with(kPrefix)) return {ScheduleKind::Random, std::stoull(wanted.substr(sizeof(kPrefix) - 1))};
  throw std::invalid_argument("ISOBATH_EMULATED_STREAMS=" + wanted + ": expected late, eager, random or random:SEED");
}

}  // namespace isobath::emulated
