#include "trainer/metrics/metrics_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/core/error.hpp"
#include "ops/core/files/json.hpp"

namespace isobath {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw StorageError(text(path.string(), ": ", what, ": ", std::strerror(errno)));
}

}  // namespace

MetricsFile::MetricsFile(const std::filesystem::path& path, std::int64_t keep_bytes) : path_(path), bytes_(keep_bytes) {
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (file_ < 0) fail(path, "cannot be opened for writing");
  struct stat status {};
  const bool usable = ::fstat(file_, &status) == 0 && status.st_size >= keep_bytes &&
                      ::ftruncate(file_, keep_bytes) == 0 && ::lseek(file_, keep_bytes, SEEK_SET) == keep_bytes;
  if (usable) return;
  ::close(file_);
  if (status.st_size < keep_bytes)
    throw StorageError(text(path.string(), ": has ", status.st_size, " bytes, the checkpoint was saved when it had ",
                            keep_bytes, "; restore the file, or start a run under another name"));
  fail(path, "cannot be cut to its checkpointed length");
}

MetricsFile::~MetricsFile() {
  if (file_ >= 0) ::close(file_);
}

void MetricsFile::write(const StepReport& r) {
  nlohmann::ordered_json line{{"kind", "step"},
                              {"step", r.step},
                              {"tokens", r.tokens},
                              {"data", r.data},
                              {"loss", r.loss},
                              {"auxiliary", r.auxiliary},
                              {"learning_rate", r.learning_rate},
                              {"gradient_norm", r.gradient_norm},
                              {"executed_flops", r.executed_flops},
                              {"dense_flops", r.dense_flops},
                              {"depth", r.depth},
                              {"gate", r.gate},
                              {"active_rows_max", r.balance.active_rows_max},
                              {"seconds", r.seconds},
                              {"tokens_per_second", r.tokens_per_second},
                              {"compute_seconds",
                               {{"min", r.balance.compute_min},
                                {"median", r.balance.compute_median},
                                {"max", r.balance.compute_max},
                                {"slowest_rank", r.balance.slowest}}},
                              {"communication_seconds", r.balance.communication}};
  if (r.z_loss > 0.0) line["z_loss"] = r.z_loss;
  if (r.recomputed_flops > 0.0) line["recomputed_flops"] = r.recomputed_flops;
  if (!r.source_tokens.empty()) line["source_tokens"] = r.source_tokens;
  if (r.is_skipped) line["skipped"] = true;
  append(line.dump());
}

void MetricsFile::write(const ValidationReport& r) {
  append(nlohmann::ordered_json{
      {"kind", "validation"}, {"step", r.step}, {"rule", r.rule}, {"loss", r.loss}, {"targets", r.targets}}
             .dump());
}

void MetricsFile::sync() {
  if (::fsync(file_) != 0) fail(path_, "cannot be synced");
}

void MetricsFile::append(const std::string& line) {
  const std::string bytes = line + '\n';
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::write(file_, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail(path_, "cannot be written");
    done += static_cast<std::size_t>(wrote);
  }
  bytes_ += static_cast<std::int64_t>(bytes.size());
}

}  // namespace isobath
