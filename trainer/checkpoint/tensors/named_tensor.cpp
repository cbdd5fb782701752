#include "trainer/checkpoint/tensors/named_tensor.hpp"

#include <algorithm>

namespace isobath {
namespace {

void check_held(const Tensor& tensor, const std::string& name) {
  require(tensor.defined() && tensor.device().is_cpu(), "checkpoint: tensor '", name, "' is not on the CPU");
}

std::vector<HeldRange> held_parts(const std::string& name, const Sharding& sharding, int rank, int world_size) {
  std::vector<HeldRange> held;
  std::int64_t covered = 0;
  for (const TensorPart& part : sharding.parts) {
    require(part.begin == covered && part.end > part.begin && part.rank >= 0 && part.rank < world_size,
            "checkpoint: tensor '", name, "': part [", part.begin, ", ", part.end, ") of rank ", part.rank, " after ",
            covered, " elements");
    covered = part.end;
    if (part.rank != rank) continue;
    require(held.size() < sharding.mine.size(), "checkpoint: tensor '", name, "': rank ", rank, " passes ",
            sharding.mine.size(), " parts, more are listed as its own");
    const Tensor& mine = sharding.mine[held.size()];
    check_held(mine, name);
    require(mine.dtype() == sharding.dtype && mine.count() == part.count(), "checkpoint: tensor '", name, "': part [",
            part.begin, ", ", part.end, ") is ", mine.count(), " elements of ", name_of(mine.dtype()), " in memory");
    held.push_back({part.begin, part.end, static_cast<std::byte*>(mine.raw())});
  }
  require(covered == sharding.shape.count() && held.size() == sharding.mine.size(), "checkpoint: tensor '", name,
          "': parts of ", covered, " elements for shape ", sharding.shape, ", ", held.size(), " of them of rank ", rank,
          ", which passes ", sharding.mine.size());
  return held;
}

/// The bytes of `piece`, which lies in one of the ranges.
std::span<const std::byte> bytes_of(std::span<const HeldRange> held, const Piece& piece, std::size_t width) {
  const auto after = std::ranges::upper_bound(held, piece.begin, {}, &HeldRange::begin);
  require(after != held.begin() && piece.end <= (after - 1)->end, "checkpoint: range [", piece.begin, ", ", piece.end,
          ") is not held here");
  const HeldRange& range = *(after - 1);
  return {range.bytes + static_cast<std::size_t>(piece.begin - range.begin) * width,
          static_cast<std::size_t>(piece.count()) * width};
}

}  // namespace

std::vector<HeldRange> held_ranges(const NamedTensor& tensor, int rank, int world_size) {
  if (tensor.sharding) return held_parts(tensor.name, *tensor.sharding, rank, world_size);
  check_held(tensor.tensor, tensor.name);
  return {{0, tensor.tensor.count(), static_cast<std::byte*>(tensor.tensor.raw())}};
}

std::vector<std::span<const std::byte>> bytes_to_write(std::span<const TensorRecord> records,
                                                       std::span<const NamedTensor> tensors, int rank, int world_size) {
  std::vector<std::span<const std::byte>> bytes;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::vector<HeldRange> held = held_ranges(tensors[i], rank, world_size);
    for (const Piece& piece : records[i].pieces)
      if (piece.file == rank) bytes.push_back(bytes_of(held, piece, size_of(records[i].dtype)));
  }
  return bytes;
}

}  // namespace isobath
