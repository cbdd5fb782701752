#pragma once
#include <cstdint>
#include <string>

#include "trainer/metrics/step_report.hpp"

namespace isobath {

/// A duration for people: "42s", "7m05s", "3h12m".
std::string duration_text(double seconds);

/// Shows a run's course on standard output: one line that is rewritten on a terminal, plain lines elsewhere.
class Progress {
 public:
  Progress(std::int64_t total_steps, std::int64_t every);
  /// A step was done.
  void show(const StepReport& report);
  /// A line that stays.
  void note(const std::string& line);

 private:
  std::string line_of(const StepReport& report);

  std::int64_t total_steps_, every_;
  bool is_terminal_;
  bool line_open_ = false;
  double smooth_seconds_ = 0.0;  // of a step, for the time left
};

}  // namespace isobath
