#include "launcher/fault.hpp"

#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "ops/core/error.hpp"
#include "ops/core/log.hpp"
#include "trainer/checkpoint/storage/observer.hpp"

namespace isobath {
namespace {

enum class Action { Kill, Stop, Fail };

struct Plan {
  CheckpointPoint point = CheckpointPoint::BeforeShard;
  std::optional<int> rank;
  int visit = 1;
  Action action = Action::Kill;
};

[[noreturn]] void refuse(std::string_view plan, std::string_view part) {
  throw Error(ExitCode::Usage, text("ISOBATH_FAULT=", plan, ": cannot read '", part,
                                    "'; write POINT[:rank=R][:visit=N]:kill|stop|fail"));
}

std::optional<CheckpointPoint> point_of(std::string_view name) {
  constexpr std::array kNames = {"before_shard",       "in_shard",      "before_fsync", "shard_done", "before_manifest",
                                 "manifest_temporary", "manifest_done", "in_pruning",   "loading"};
  static_assert(kNames.size() == std::size(kCheckpointPoints));
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (name == kNames[i]) return kCheckpointPoints[i];
  return std::nullopt;
}

std::optional<Action> action_of(std::string_view name) {
  if (name == "kill") return Action::Kill;
  if (name == "stop") return Action::Stop;
  if (name == "fail") return Action::Fail;
  return std::nullopt;
}

std::vector<std::string_view> split(std::string_view whole) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= whole.size();) {
    const std::size_t end = std::min(whole.find(':', at), whole.size());
    parts.push_back(whole.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

Plan read(std::string_view whole) {
  const auto parts = split(whole);
  const auto point = point_of(parts.front());
  const auto action = action_of(parts.back());
  if (!point) refuse(whole, parts.front());
  if (!action || parts.size() < 2) refuse(whole, parts.back());
  Plan plan{*point, std::nullopt, 1, *action};
  for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
    const std::string_view key = parts[i].substr(0, parts[i].find('=') + 1), value = parts[i].substr(key.size());
    int number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size() || (key != "rank=" && key != "visit="))
      refuse(whole, parts[i]);
    if (key == "rank=")
      plan.rank = number;
    else
      plan.visit = number;
  }
  return plan;
}

void act(const Plan& plan) {
  switch (plan.action) {
    case Action::Kill:
      std::raise(SIGKILL);
      return;
    case Action::Stop:
      std::raise(SIGSTOP);
      return;
    case Action::Fail:
      throw StorageError("a failure that ISOBATH_FAULT planned");
  }
}

}  // namespace

void plan_fault(const Communicator& ranks) {
  const char* const written = std::getenv("ISOBATH_FAULT");
  if (written == nullptr) return;
  const Plan plan = read(written);
  if (ranks.rank() == 0) log_warning(text("this run is going to fail: ISOBATH_FAULT=", written));
  if (plan.rank && *plan.rank != ranks.rank()) return;
  set_checkpoint_observer([plan, visits = std::make_shared<std::atomic<int>>(0)](CheckpointPoint point) {
    if (point == plan.point && ++*visits == plan.visit) act(plan);
  });
}

}  // namespace isobath
