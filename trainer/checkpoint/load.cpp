#include <algorithm>
#include <cstring>
#include <map>

#include "ops/core/files/durable.hpp"
#include "trainer/checkpoint/catalog/verify.hpp"
#include "trainer/checkpoint/checkpoint.hpp"
#include "trainer/checkpoint/manifest/text.hpp"
#include "trainer/checkpoint/storage/observer.hpp"
#include "trainer/checkpoint/storage/shard.hpp"
#include "trainer/checkpoint/storage/step_directory.hpp"
#include "trainer/checkpoint/together.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

std::map<std::string, const TensorRecord*> records_by_name(const Manifest& manifest) {
  std::map<std::string, const TensorRecord*> records;
  for (const TensorRecord& record : manifest.tensors) records[record.name] = &record;
  return records;
}

/// The record of each tensor, in their order. Throws StorageError that lists everything that does not fit.
std::vector<const TensorRecord*> match(const Manifest& manifest, std::span<const NamedTensor> tensors,
                                       Unlisted unlisted, const fs::path& directory) {
  auto left = records_by_name(manifest);
  std::vector<const TensorRecord*> matched;
  std::string problems;
  for (const NamedTensor& named : tensors) {
    const auto found = left.extract(named.name);
    if (found.empty()) {
      problems += "\n  missing: '" + named.name + '\'';
      continue;
    }
    const TensorRecord& record = *found.mapped();
    if (record.dtype != named.dtype() || record.shape != named.shape())
      problems += text("\n  '", named.name, "': saved as ", name_of(record.dtype), ' ', record.shape, ", wanted as ",
                       name_of(named.dtype()), ' ', named.shape());
    matched.push_back(&record);
  }
  if (unlisted == Unlisted::Refuse)
    for (const auto& [name, record] : left) problems += "\n  unexpected: '" + name + '\'';
  if (!problems.empty())
    throw StorageError(text(directory.string(), " does not hold the tensors of this model; use the configuration it ",
                            "was saved with:", problems));
  return matched;
}

/// Elements [begin, end) of a saved range, counted from its begin, and where they go.
struct Target {
  std::int64_t begin = 0, end = 0;
  std::byte* bytes = nullptr;
};

/// A saved range, and what of it is wanted.
struct Transfer {
  const TensorRecord* record;
  const Piece* piece;
  std::vector<Target> targets;
};

std::vector<Target> targets_in(const Piece& piece, std::span<const HeldRange> held, std::size_t width) {
  std::vector<Target> targets;
  for (const HeldRange& range : held) {
    const std::int64_t begin = std::max(piece.begin, range.begin), end = std::min(piece.end, range.end);
    if (begin < end)
      targets.push_back({begin - piece.begin, end - piece.begin,
                         range.bytes + static_cast<std::size_t>(begin - range.begin) * width});
  }
  return targets;
}

/// By shard, so that one file at a time is open.
std::map<int, std::vector<Transfer>> plan(const std::vector<const TensorRecord*>& records,
                                          std::span<const NamedTensor> tensors, const Communicator& ranks) {
  std::map<int, std::vector<Transfer>> transfers;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::vector<HeldRange> held = held_ranges(tensors[i], ranks.rank(), ranks.size());
    for (const Piece& piece : records[i]->pieces)
      if (auto targets = targets_in(piece, held, size_of(records[i]->dtype)); !targets.empty())
        transfers[piece.file].push_back({records[i], &piece, std::move(targets)});
  }
  return transfers;
}

/// A range that is wanted whole goes straight to its place. Of others the whole is read and checked aside: the digest
/// is that of the whole.
void read_one(const ShardReader& shard, const Transfer& transfer, std::vector<std::byte>& aside) {
  const std::size_t width = size_of(transfer.record->dtype);
  const auto bytes = static_cast<std::size_t>(transfer.piece->count()) * width;
  const Target& first = transfer.targets.front();
  if (first.begin == 0 && first.end == transfer.piece->count())
    return shard.read(*transfer.record, *transfer.piece, {first.bytes, bytes});
  aside.resize(std::max(aside.size(), bytes));
  shard.read(*transfer.record, *transfer.piece, {aside.data(), bytes});
  for (const Target& target : transfer.targets)
    std::memcpy(target.bytes, aside.data() + static_cast<std::size_t>(target.begin) * width,
                static_cast<std::size_t>(target.end - target.begin) * width);
}

void read_all(const fs::path& directory, const Manifest& manifest,
              const std::map<int, std::vector<Transfer>>& transfers) {
  std::size_t total = 0, done = 0;
  std::vector<std::byte> aside;
  for (const auto& [file, of_file] : transfers) total += of_file.size();
  if (total == 0) reached(CheckpointPoint::Loading);
  for (const auto& [file, of_file] : transfers) {
    const ShardReader shard(directory, manifest.files[static_cast<std::size_t>(file)]);
    for (const Transfer& transfer : of_file) {
      if (done++ == total / 2) reached(CheckpointPoint::Loading);
      read_one(shard, transfer, aside);
    }
  }
}

}  // namespace

TrainingState load_checkpoint(const fs::path& directory, std::span<const NamedTensor> tensors, Communicator& ranks,
                              Unlisted unlisted) {
  const std::string what = "loading " + directory.string();
  const auto texts =
      together(ranks, what, [&] { return ranks.rank() == 0 ? read_manifest_text(directory) : std::string(); });
  Manifest manifest;
  together(ranks, what, [&] {
    manifest = decode(texts[0], (directory / kManifestName).string());
    const auto records = match(manifest, tensors, unlisted, directory);
    read_all(directory, manifest, plan(records, tensors, ranks));
    return std::string();
  });
  return manifest.state;
}

}  // namespace isobath
