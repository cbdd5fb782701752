#include "trainer/metrics/progress.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>

#include <unistd.h>

#include "ops/core/log.hpp"
#include "ops/core/stop.hpp"

namespace isobath {
namespace {

double mean(const std::vector<double>& values) {
  return values.empty() ? 1.0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

std::string duration_text(double seconds) {
  const auto total = static_cast<long long>(std::llround(seconds));
  char out[48];
  if (total < 60)
    std::snprintf(out, sizeof out, "%llds", total);
  else if (total < 3600)
    std::snprintf(out, sizeof out, "%lldm%02llds", total / 60, total % 60);
  else
    std::snprintf(out, sizeof out, "%lldh%02lldm", total / 3600, total / 60 % 60);
  return out;
}

namespace {

// Open MPI gives every rank a terminal of its own; whether a person looks at it shows in mpirun's, which is the parent.
bool is_watched() {
  if (::isatty(STDOUT_FILENO) != 1) return false;
  if (std::getenv("OMPI_COMM_WORLD_RANK") == nullptr) return true;
  std::error_code unknown;
  const auto shown = std::filesystem::read_symlink("/proc/" + std::to_string(::getppid()) + "/fd/1", unknown).string();
  return !unknown && (shown.starts_with("/dev/pts/") || shown.starts_with("/dev/tty"));
}

}  // namespace

Progress::Progress(std::int64_t total_steps, std::int64_t every)
    : total_steps_(total_steps), every_(every), is_terminal_(is_watched()) {}

void Progress::show(const StepReport& report) {
  if (stop_requested()) return;  // standard output may be blocked by now: see note()
  smooth_seconds_ = smooth_seconds_ == 0.0 ? report.seconds : 0.9 * smooth_seconds_ + 0.1 * report.seconds;
  if (report.step % every_ != 0 && report.step != total_steps_) return;
  const std::string line = line_of(report);
  if (is_terminal_)
    std::printf("\r\033[K%s", line.c_str());
  else
    std::printf("%s\n", line.c_str());
  line_open_ = is_terminal_;
  std::fflush(stdout);
}

void Progress::note(const std::string& line) {
  // After TERM mpirun leaves the terminal that it gave to the ranks unread, and it holds a page only.
  if (stop_requested()) return log_info(line);
  if (line_open_) std::printf("\n");
  line_open_ = false;
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

std::string Progress::line_of(const StepReport& report) {
  char out[256];
  const double left = smooth_seconds_ * static_cast<double>(total_steps_ - report.step);
  std::snprintf(
      out, sizeof out,
      "step %lld/%lld  loss %.4f  depth %.3f  gate %.3f  norm %.3f  lr %.2e  %.0f tokens/s  %.2f GFLOP/s  %s left",
      static_cast<long long>(report.step), static_cast<long long>(total_steps_), report.loss, mean(report.depth),
      mean(report.gate), report.gradient_norm, report.learning_rate, report.tokens_per_second,
      report.executed_flops / report.seconds * 1e-9, duration_text(left).c_str());
  return out;
}

}  // namespace isobath
