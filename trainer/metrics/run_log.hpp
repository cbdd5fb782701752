#pragma once
#include "trainer/metrics/event_file.hpp"
#include "trainer/metrics/metrics_file.hpp"

namespace isobath {

/// Where the log of a run stood when its checkpoint was taken.
struct LogPosition {
  std::int64_t step = 0;
  std::int64_t metrics_bytes = 0;
};

/// What a run writes about itself, for programs (metrics.jsonl) and for TensorBoard (events.out.tfevents.*).
class RunLog {
 public:
  /// The run in `folder` goes on from `position`: what metrics.jsonl holds behind it goes. Throws StorageError.
  RunLog(std::filesystem::path folder, LogPosition position);

  void write(const StepReport& report);
  void write(const ValidationReport& report);
  /// Makes metrics.jsonl durable: before a checkpoint that counts on it. Throws StorageError.
  void sync() { metrics_.sync(); }
  /// Bytes of metrics.jsonl; what a checkpoint stores.
  std::int64_t bytes() const { return metrics_.bytes(); }

 private:
  EventFile& events();

  std::filesystem::path folder_;
  LogPosition position_;
  MetricsFile metrics_;
  std::unique_ptr<EventFile> events_;  // from the first line on: a run that is finished leaves no empty file
};

}  // namespace isobath
