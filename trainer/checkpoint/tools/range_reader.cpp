#include "trainer/checkpoint/tools/range_reader.hpp"

#include <algorithm>
#include <cstring>

namespace isobath {

void RangeReader::read(const TensorRecord& tensor, std::int64_t begin, std::int64_t end, std::span<std::byte> out) {
  const std::size_t width = size_of(tensor.dtype);
  require(out.size() == static_cast<std::size_t>(end - begin) * width, "a range of ", end - begin, " elements into ",
          out.size(), " bytes");
  auto piece = std::ranges::upper_bound(tensor.pieces, begin, {}, &Piece::end);
  for (std::int64_t at = begin; at < end; at = std::min(end, (piece++)->end)) {
    const std::span<const std::byte> bytes = whole(tensor, *piece);
    const std::int64_t until = std::min(end, piece->end);
    std::memcpy(out.data() + static_cast<std::size_t>(at - begin) * width,
                bytes.data() + static_cast<std::size_t>(at - piece->begin) * width,
                static_cast<std::size_t>(until - at) * width);
  }
}

std::span<const std::byte> RangeReader::whole(const TensorRecord& tensor, const Piece& piece) {
  if (held_ == &piece) return buffer_;
  const auto& file = manifest_.files[static_cast<std::size_t>(piece.file)];
  const auto shard = shards_.try_emplace(piece.file, directory_, file).first;
  held_ = nullptr;
  buffer_.resize(static_cast<std::size_t>(piece.count()) * size_of(tensor.dtype));
  shard->second.read(tensor, piece, buffer_);
  held_ = &piece;
  return buffer_;
}

}  // namespace isobath
