#include "trainer/checkpoint/tools/reshard.hpp"

#include <memory>

#include "ops/core/log.hpp"
#include "trainer/checkpoint/catalog/verify.hpp"
#include "trainer/checkpoint/manifest/partition.hpp"
#include "trainer/checkpoint/saving/commit.hpp"
#include "trainer/checkpoint/saving/plan.hpp"
#include "trainer/checkpoint/saving/report.hpp"
#include "trainer/checkpoint/storage/step_directory.hpp"
#include "trainer/checkpoint/tools/range_reader.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

/// One shard of the new layout in memory.
struct ShardBytes {
  std::unique_ptr<std::byte[]> memory;
  std::vector<std::span<const std::byte>> pieces;
};

ShardBytes gather(const Manifest& from, const Manifest& to, int file, RangeReader& reader) {
  std::size_t bytes = 0;
  for (const DatasetRecord& dataset : datasets_of(to.tensors, file)) bytes += static_cast<std::size_t>(dataset.bytes());
  ShardBytes shard{std::make_unique<std::byte[]>(bytes), {}};
  std::byte* next = shard.memory.get();
  for (std::size_t i = 0; i < to.tensors.size(); ++i) {
    for (const Piece& piece : to.tensors[i].pieces) {
      if (piece.file != file) continue;
      const std::span<std::byte> out(next, static_cast<std::size_t>(piece.count()) * size_of(to.tensors[i].dtype));
      reader.read(from.tensors[i], piece.begin, piece.end, out);
      shard.pieces.push_back(out);
      next += out.size();
    }
  }
  return shard;
}

}  // namespace

fs::path reshard_checkpoint(const fs::path& directory, const fs::path& root, int shards) {
  const fs::path place = fs::weakly_canonical(directory / "..");
  if (place == fs::weakly_canonical(root))
    throw StorageError(text(root.string(), ": holds the checkpoint itself; name another folder for the new one"));
  const Manifest from = read_manifest(directory);
  Manifest to = from;
  to.world_size = shards;
  to.files.clear();
  partition(to.tensors, shards);
  make_ready(root, to);
  const fs::path out = root / step_name(to.state.step);
  RangeReader reader(directory, from);
  const Manifest plan = to;
  for (int file = 0; file < shards; ++file) {
    const ShardBytes bytes = gather(from, plan, file, reader);
    unpack(pack(write_shard(out, plan.tensors, bytes.pieces, file, shards)), file, to);
  }
  for (const std::string& problem : commit(root, to)) log_warning(problem);
  return out;
}

}  // namespace isobath
