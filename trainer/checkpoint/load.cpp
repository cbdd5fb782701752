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
  for (const auto& [name, tensor] : tensors) {
    require(tensor.defined() && tensor.device().is_cpu(), "load: tensor '", name, "' is not on the CPU");
    const auto found = left.extract(name);
    if (found.empty()) {
      problems += "\n  missing: '" + name + '\'';
      continue;
    }
    const TensorRecord& record = *found.mapped();
    if (record.dtype != tensor.dtype() || record.shape != tensor.shape())
      problems += text("\n  '", name, "': saved as ", name_of(record.dtype), ' ', record.shape, ", wanted as ",
                       name_of(tensor.dtype()), ' ', tensor.shape());
    matched.push_back(&record);
  }
  if (unlisted == Unlisted::Refuse)
    for (const auto& [name, record] : left) problems += "\n  unexpected: '" + name + '\'';
  if (!problems.empty())
    throw StorageError(text(directory.string(), " does not hold the tensors of this model; use the configuration it ",
                            "was saved with:", problems));
  return matched;
}

/// A range and where it goes.
struct Transfer {
  const TensorRecord* record;
  const Piece* piece;
  std::span<std::byte> out;
};

/// By shard, so that one file at a time is open.
std::map<int, std::vector<Transfer>> plan(const std::vector<const TensorRecord*>& records,
                                          std::span<const NamedTensor> tensors) {
  std::map<int, std::vector<Transfer>> transfers;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::size_t width = size_of(records[i]->dtype);
    auto* const bytes = static_cast<std::byte*>(tensors[i].tensor.raw());
    for (const Piece& piece : records[i]->pieces)
      transfers[piece.file].push_back(
          {records[i],
           &piece,
           {bytes + static_cast<std::size_t>(piece.begin) * width, static_cast<std::size_t>(piece.count()) * width}});
  }
  return transfers;
}

void read_all(const fs::path& directory, const Manifest& manifest,
              const std::map<int, std::vector<Transfer>>& transfers) {
  std::size_t total = 0, done = 0;
  for (const auto& [file, of_file] : transfers) total += of_file.size();
  for (const auto& [file, of_file] : transfers) {
    const ShardReader shard(directory, manifest.files[static_cast<std::size_t>(file)]);
    for (const Transfer& transfer : of_file) {
      if (done++ == total / 2) reached(CheckpointPoint::Loading);
      shard.read(*transfer.record, *transfer.piece, transfer.out);
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
    read_all(directory, manifest, plan(records, tensors));
    return std::string();
  });
  return manifest.state;
}

}  // namespace isobath
