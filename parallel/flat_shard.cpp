#include "parallel/flat_shard.hpp"

#include <algorithm>

namespace isobath {

FlatShard::FlatShard(const FlatLayout& layout, int rank, int parts) : layout_(layout), rank_(rank), parts_(parts) {
  require(rank >= 0 && rank < parts && (parts == 1 || parts == layout.world_size()), "shard ", rank, " of ", parts,
          " of a layout for ", layout.world_size(), " ranks");
  if (!is_divided()) {
    for (const ParameterGroup group : {ParameterGroup::Main, ParameterGroup::Predictor})
      if (layout.group(group).count() > 0) segments_.push_back({group, 0, layout.group(group), layout.group(group)});
    return;
  }
  for (std::size_t bucket = 0; bucket < layout.buckets().size(); ++bucket) {
    const FlatBucket& whole = layout.buckets()[bucket];
    segments_.push_back(
        {whole.group, bucket, slice(bucket, rank), {whole.range.begin / parts, whole.range.end / parts}});
  }
}

FlatRange FlatShard::slice(std::size_t bucket, int rank) const {
  // Every bucket's length is a multiple of the ranks, so both divisions are exact.
  const FlatRange whole = layout_.buckets()[bucket].range;
  const std::int64_t length = whole.count() / parts_;
  return {whole.begin + rank * length, whole.begin + (rank + 1) * length};
}

std::vector<ParameterPart> FlatShard::parts_of(std::size_t item) const {
  const FlatPiece& piece = layout_.piece_of(item);
  if (!is_divided()) return {{0, {0, piece.range.count()}, piece.range.begin}};
  const std::int64_t held = layout_.buckets()[piece.bucket].range.begin / parts_;
  std::vector<ParameterPart> parts;
  for (int rank = 0; rank < parts_; ++rank) {
    const FlatRange owned = slice(piece.bucket, rank);
    const std::int64_t begin = std::max(owned.begin, piece.range.begin), end = std::min(owned.end, piece.range.end);
    if (begin < end)
      parts.push_back({rank, {begin - piece.range.begin, end - piece.range.begin}, held + begin - owned.begin});
  }
  return parts;
}

}  // namespace isobath
