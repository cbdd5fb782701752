#include "trainer/checkpoint/catalog/verify.hpp"

#include "ops/core/files/durable.hpp"
#include "trainer/checkpoint/manifest/text.hpp"
#include "trainer/checkpoint/storage/file_check.hpp"
#include "trainer/checkpoint/storage/shard.hpp"
#include "trainer/checkpoint/storage/step_directory.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

// About 200 bytes per range of 16 MiB: enough for 20 TB of tensors.
constexpr std::int64_t kMostManifest = std::int64_t{256} << 20;

/// Runs `check` and keeps what it complains about.
template <class Check>
bool note(VerifyReport& report, Check&& check) {
  try {
    check();
    return true;
  } catch (const StorageError& error) {
    report.problems.emplace_back(error.what());
    return false;
  }
}

void verify_ranges(const fs::path& directory, const Manifest& manifest, int file, VerifyReport& report) {
  const ShardReader shard(directory, manifest.files[static_cast<std::size_t>(file)]);
  std::vector<std::byte> buffer;
  for (const TensorRecord& tensor : manifest.tensors) {
    for (const Piece& piece : tensor.pieces) {
      if (piece.file != file) continue;
      buffer.resize(static_cast<std::size_t>(piece.count()) * size_of(tensor.dtype));
      if (!note(report, [&] { shard.read(tensor, piece, buffer); })) continue;
      ++report.ranges;
      report.bytes += static_cast<std::int64_t>(buffer.size());
    }
  }
}

}  // namespace

std::string read_manifest_text(const fs::path& directory) {
  const fs::path path = directory / kManifestName;
  std::error_code failure;
  if (fs::status(path, failure).type() == fs::file_type::not_found)
    throw StorageError(directory.string() + ": no manifest.json: not a checkpoint, or a save that did not finish");
  return read_small_file(path, kMostManifest);
}

Manifest read_manifest(const fs::path& directory) {
  return decode(read_manifest_text(directory), (directory / kManifestName).string());
}

VerifyReport verify_checkpoint(const fs::path& directory, VerifyLevel level) {
  VerifyReport report;
  Manifest manifest;
  if (!note(report, [&] { manifest = read_manifest(directory); })) return report;
  for (int file = 0; file < manifest.world_size; ++file) {
    const FileRecord& record = manifest.files[static_cast<std::size_t>(file)];
    const bool good = note(report, [&] {
      check_size(directory / record.name, record);
      if (level == VerifyLevel::Full) verify_ranges(directory, manifest, file, report);
    });
    if (good) ++report.files;
  }
  return report;
}

std::optional<std::string> damage_of(const fs::path& directory, VerifyLevel level) {
  const VerifyReport report = verify_checkpoint(directory, level);
  return report.whole() ? std::nullopt : std::optional(report.problems.front());
}

}  // namespace isobath
