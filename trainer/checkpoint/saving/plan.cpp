#include "trainer/checkpoint/saving/plan.hpp"

#include <set>

#include "trainer/checkpoint/catalog/verify.hpp"
#include "trainer/checkpoint/manifest/text.hpp"
#include "trainer/checkpoint/storage/step_directory.hpp"

namespace isobath {
namespace {

// HDF5's own structures in one shard: a superblock, a group and a header per dtype take less.
constexpr std::int64_t kShardOverhead = 16 << 10;

/// A state that cannot be written is found before its bytes are.
void require_encodable(Manifest manifest) {
  for (TensorRecord& tensor : manifest.tensors) tensor.pieces.clear();  // they name files that do not exist yet
  encode(manifest);
}

}  // namespace

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

std::string outline(const Manifest& manifest) {
  std::ostringstream out;
  out << manifest.state.step;
  for (const TensorRecord& tensor : manifest.tensors) {
    out << '\n' << tensor.name << ' ' << name_of(tensor.dtype) << ' ' << tensor.shape;
    for (const Piece& piece : tensor.pieces) out << ' ' << piece.end << '@' << piece.file;
  }
  return to_hex(digest_of(out.str()));
}

std::int64_t disk_bytes(const Manifest& manifest) {
  return payload_bytes(manifest) + manifest.world_size * kShardOverhead;
}

void make_ready(const std::filesystem::path& root, const Manifest& manifest) {
  require_encodable(manifest);
  const std::int64_t step = manifest.state.step;
  const std::filesystem::path standing = root / step_name(step);
  if (std::filesystem::exists(standing) && replaced_directory(root, step) && damage_of(standing, VerifyLevel::Size))
    if (const auto problem = remove_step_directory(standing)) throw StorageError(*problem);
  prepare_step_directory(root, step, disk_bytes(manifest));
}

}  // namespace isobath
