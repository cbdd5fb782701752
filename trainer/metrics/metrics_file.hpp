#pragma once
// metrics.jsonl: one JSON object a line, {"kind": "step" | "validation", ...}. A resumed run cuts the file back to
// where its checkpoint left it, so that the file reads like that of an uninterrupted run.

#include <cstdint>
#include <filesystem>

#include "trainer/metrics/step_report.hpp"

namespace isobath {

class MetricsFile {
 public:
  /// Opens or creates `path` and cuts it to `keep_bytes`. Throws StorageError when it cannot be written or is shorter.
  MetricsFile(const std::filesystem::path& path, std::int64_t keep_bytes);
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  void write(const StepReport& report);
  void write(const ValidationReport& report);
  /// Makes what was written durable: before a checkpoint that counts on it. Throws StorageError.
  void sync();
  /// Bytes written so far; what a checkpoint stores.
  std::int64_t bytes() const { return bytes_; }

 private:
  void append(const std::string& line);

  std::filesystem::path path_;
  int file_ = -1;
  std::int64_t bytes_ = 0;
};

}  // namespace isobath
