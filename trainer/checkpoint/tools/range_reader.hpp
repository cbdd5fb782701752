#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <vector>

#include "trainer/checkpoint/manifest/manifest.hpp"
#include "trainer/checkpoint/storage/shard.hpp"

namespace isobath {

/// Any range of any tensor of a checkpoint; every byte is compared with its digest on the way. Fast when ranges are
/// asked for in ascending order.
class RangeReader {
 public:
  /// `manifest` is that of `directory` and outlives the reader.
  RangeReader(std::filesystem::path directory, const Manifest& manifest)
      : directory_(std::move(directory)), manifest_(manifest) {}

  /// Elements [begin, end) of the flattened tensor to `out`. Throws StorageError that names what is damaged.
  void read(const TensorRecord& tensor, std::int64_t begin, std::int64_t end, std::span<std::byte> out);

 private:
  std::span<const std::byte> whole(const TensorRecord& tensor, const Piece& piece);

  std::filesystem::path directory_;
  const Manifest& manifest_;
  std::map<int, ShardReader> shards_;
  const Piece* held_ = nullptr;  // the piece that is in buffer_
  std::vector<std::byte> buffer_;
};

}  // namespace isobath
