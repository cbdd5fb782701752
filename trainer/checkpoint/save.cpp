#include <cstring>
#include <set>

#include "ops/core/files/durable.hpp"
#include "ops/core/log.hpp"
#include "trainer/checkpoint/catalog/verify.hpp"
#include "trainer/checkpoint/checkpoint.hpp"
#include "trainer/checkpoint/manifest/partition.hpp"
#include "trainer/checkpoint/manifest/text.hpp"
#include "trainer/checkpoint/storage/observer.hpp"
#include "trainer/checkpoint/storage/shard.hpp"
#include "trainer/checkpoint/storage/step_directory.hpp"
#include "trainer/checkpoint/together.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

// HDF5's own structures in one shard: a superblock, a group and a header per dtype take less.
constexpr std::int64_t kShardOverhead = 16 << 10;

Manifest describe(const TrainingState& state, std::span<const NamedTensor> tensors, int world_size) {
  Manifest manifest;
  manifest.isobath_version = ISOBATH_VERSION;
  manifest.world_size = world_size;
  manifest.state = state;
  std::set<std::string> names;
  std::vector<const std::vector<TensorPart>*> parts;
  for (const NamedTensor& named : tensors) {
    require(!named.name.empty() && names.insert(named.name).second, "checkpoint: tensor name '", named.name,
            "' is empty or used twice");
    manifest.tensors.push_back({named.name, named.dtype(), named.shape(), {}});
    parts.push_back(named.sharding ? &named.sharding->parts : nullptr);
  }
  partition(manifest.tensors, parts, world_size);
  return manifest;
}

/// Equal on ranks that agree on step, names, dtypes, shapes and who writes what.
std::string outline(const Manifest& manifest) {
  std::ostringstream out;
  out << manifest.state.step;
  for (const TensorRecord& tensor : manifest.tensors) {
    out << '\n' << tensor.name << ' ' << name_of(tensor.dtype) << ' ' << tensor.shape;
    for (const Piece& piece : tensor.pieces) out << ' ' << piece.end << '@' << piece.file;
  }
  return to_hex(digest_of(out.str()));
}

/// A state that cannot be written is found before its bytes are.
void require_encodable(Manifest manifest) {
  for (TensorRecord& tensor : manifest.tensors) tensor.pieces.clear();  // they name files that do not exist yet
  encode(manifest);
}

/// Rank 0, before any shard. A standing checkpoint that is damaged gives way to the one it replaced.
void make_ready(const fs::path& root, const Manifest& manifest) {
  require_encodable(manifest);
  const std::int64_t step = manifest.state.step;
  const fs::path standing = root / step_name(step);
  if (fs::exists(standing) && replaced_directory(root, step) && damage_of(standing, VerifyLevel::Size))
    if (const auto problem = remove_step_directory(standing)) throw StorageError(*problem);
  prepare_step_directory(root, step, payload_bytes(manifest) + manifest.world_size * kShardOverhead);
}

/// A report as raw words: every rank knows how many datasets and digests it holds.
std::string pack(const ShardReport& report) {
  std::vector<std::uint64_t> words = {static_cast<std::uint64_t>(report.file.bytes), report.file.metadata.high,
                                      report.file.metadata.low};
  for (const DatasetRecord& dataset : report.file.datasets)
    words.push_back(static_cast<std::uint64_t>(dataset.address));
  for (const Digest& digest : report.digests) words.insert(words.end(), {digest.high, digest.low});
  return {reinterpret_cast<const char*>(words.data()), words.size() * sizeof words[0]};
}

/// Fills in what rank `rank` found out: file length, addresses, digests.
void unpack(const std::string& packed, int rank, Manifest& manifest) {
  std::vector<std::uint64_t> words(packed.size() / sizeof(std::uint64_t));
  std::memcpy(words.data(), packed.data(), packed.size());
  auto next = words.begin();
  const auto digest = [&next] {
    const std::uint64_t high = *next++;
    return Digest{high, *next++};
  };
  FileRecord file{shard_name(rank, manifest.world_size), static_cast<std::int64_t>(*next++), {}, {}};
  file.metadata = digest();
  file.datasets = datasets_of(manifest.tensors, rank);
  for (DatasetRecord& dataset : file.datasets) dataset.address = static_cast<std::int64_t>(*next++);
  for (TensorRecord& tensor : manifest.tensors)
    for (Piece& piece : tensor.pieces)
      if (piece.file == rank) piece.digest = digest();
  require(next == words.end(), "checkpoint: rank ", rank, " reported ", words.size(), " words");
  manifest.files.push_back(std::move(file));
}

/// After the checkpoint counts: failures here cost nothing but a hint and some space, and are said, not thrown.
void tidy_up(const fs::path& root, const fs::path& directory, std::int64_t step) {
  try {
    write_durably(root / kLatestName, directory.filename().string() + "\n");
  } catch (const StorageError& error) {
    log_warning(text(directory.string(), " is whole, but the hint for people is not up to date: ", error.what()));
  }
  if (const auto replaced = replaced_directory(root, step))
    if (const auto problem = remove_step_directory(*replaced)) log_warning(*problem);
}

/// Rank 0, when every shard is durable. The checkpoint counts from the rename of the manifest on.
void commit(const fs::path& root, const fs::path& directory, const Manifest& manifest) {
  reached(CheckpointPoint::BeforeManifest);
  write_temporary(directory / kManifestName, encode(manifest));
  reached(CheckpointPoint::ManifestTemporary);
  publish(directory / kManifestName);
  reached(CheckpointPoint::ManifestDone);
  tidy_up(root, directory, manifest.state.step);
}

}  // namespace

fs::path save_checkpoint(const fs::path& root, const TrainingState& state, std::span<const NamedTensor> tensors,
                         Communicator& ranks) {
  const fs::path directory = root / step_name(state.step);
  const std::string what = "saving " + directory.string();
  Manifest manifest = describe(state, tensors, ranks.size());
  const auto bytes = bytes_to_write(manifest.tensors, tensors, ranks.rank(), ranks.size());
  const auto outlines = together(ranks, what, [&] {
    if (ranks.rank() == 0) make_ready(root, manifest);
    return outline(manifest);
  });
  for (std::size_t rank = 0; rank < outlines.size(); ++rank)
    require(outlines[rank] == outlines[0], what, ": rank ", rank, " has other tensors or another step than rank 0");

  const auto reports = together(
      ranks, what, [&] { return pack(write_shard(directory, manifest.tensors, bytes, ranks.rank(), ranks.size())); });
  for (int rank = 0; rank < ranks.size(); ++rank) unpack(reports[static_cast<std::size_t>(rank)], rank, manifest);
  together(ranks, what, [&] {
    if (ranks.rank() == 0) commit(root, directory, manifest);
    return std::string();
  });
  return directory;
}

}  // namespace isobath
