#include "trainer/bench/plain_file.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "ops/core/error.hpp"
#include "ops/core/files/descriptor.hpp"
#include "ops/core/files/durable.hpp"

namespace isobath {
namespace {

constexpr std::size_t kBlock = std::size_t{16} << 20;

Descriptor open_file(const std::filesystem::path& path, int flags) {
  Descriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0666));
  if (!file.is_open()) throw StorageError(system_failure(path, "open", errno));
  return file;
}

/// Fills what fits of `out`; returns what is left of it.
std::span<std::byte> read_file(const std::filesystem::path& path, std::span<std::byte> out) {
  const Descriptor file = open_file(path, O_RDONLY);
  while (!out.empty()) {
    const ssize_t count = ::read(file.number(), out.data(), std::min(kBlock, out.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw StorageError(system_failure(path, "read", errno));
    if (count == 0) break;
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return out;
}

}  // namespace

void write_zeros(const std::filesystem::path& path, std::size_t bytes) {
  static const std::vector<std::byte> zeros(kBlock);
  Descriptor file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  while (bytes > 0) {
    const ssize_t count = ::write(file.number(), zeros.data(), std::min(kBlock, bytes));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw StorageError(system_failure(path, "write", errno));
    bytes -= static_cast<std::size_t>(count);
  }
  if (::fsync(file.number()) != 0) throw StorageError(system_failure(path, "sync", errno));
  if (file.close() != 0) throw StorageError(system_failure(path, "close", errno));
}

void read_plainly(const std::vector<std::filesystem::path>& files, std::span<std::byte> out) {
  for (const std::filesystem::path& file : files) out = read_file(file, out);
  if (!out.empty())
    throw StorageError(text(files.back().string(), ": the files before and this one end ", out.size(), " bytes early"));
}

}  // namespace isobath
