#include "ops/core/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace isobath {
namespace {

thread_local int log_rank = 0;

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_color_mt("isobath");
    made->set_pattern("%^%v%$");
    return made;
  }();
  return *instance;
}

}  // namespace

void set_log_rank(int rank) { log_rank = rank; }

void log(LogLevel level, const std::string& line) {
  const std::string who = log_rank == 0 ? "" : "rank " + std::to_string(log_rank) + ": ";
  switch (level) {
    case LogLevel::Info:
      if (log_rank == 0) logger().info("{}", line);
      return;
    case LogLevel::Warning:
      return logger().warn("warning: {}{}", who, line);
    case LogLevel::Error:
      return logger().error("error: {}{}", who, line);
  }
}

}  // namespace isobath
