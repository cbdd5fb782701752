#include "trainer/checkpoint/manifest/partition.hpp"

#include <algorithm>
#include <map>

namespace isobath {

void partition(std::span<TensorRecord> tensors, int world_size) {
  require(world_size > 0, "a checkpoint of ", world_size, " ranks");
  std::int64_t total = 0;
  for (const TensorRecord& tensor : tensors) total += tensor.shape.count();

  int rank = 0;
  std::int64_t tensor_begin = 0;              // of the current tensor among all elements
  std::map<DType, std::int64_t> dataset_end;  // of the current rank's shard
  const auto slice_end = [&] { return (rank + 1) * total / world_size; };
  for (TensorRecord& tensor : tensors) {
    const std::int64_t count = tensor.shape.count();
    const std::int64_t range = kRangeBytes / static_cast<std::int64_t>(size_of(tensor.dtype));
    tensor.pieces.clear();
    for (std::int64_t begin = 0; begin < count;) {
      while (slice_end() <= tensor_begin + begin) {
        ++rank;
        dataset_end.clear();
      }
      const std::int64_t end = std::min({count, (begin / range + 1) * range, slice_end() - tensor_begin});
      std::int64_t& offset = dataset_end[tensor.dtype];
      tensor.pieces.push_back({begin, end, rank, offset, {}});
      offset += end - begin;
      begin = end;
    }
    tensor_begin += count;
  }
}

std::vector<DatasetRecord> datasets_of(std::span<const TensorRecord> tensors, int file) {
  std::map<DType, std::int64_t> counts;
  for (const TensorRecord& tensor : tensors)
    for (const Piece& piece : tensor.pieces)
      if (piece.file == file) counts[tensor.dtype] += piece.count();
  std::vector<DatasetRecord> datasets;
  for (const auto& [dtype, count] : counts) datasets.push_back({dtype, count, 0});
  return datasets;
}

}  // namespace isobath
