#include "trainer/checkpoint/manifest/partition.hpp"

#include <algorithm>
#include <map>

namespace isobath {

namespace {

/// Deals the elements of replicated tensors out, tensor after tensor.
class EvenShares {
 public:
  EvenShares(std::int64_t total, int world_size) : total_(total), world_size_(world_size) {}

  /// The parts of the next tensor, of `count` elements.
  std::vector<TensorPart> next(std::int64_t count) {
    std::vector<TensorPart> parts;
    for (std::int64_t begin = 0; begin < count;) {
      while (share_end() <= dealt_ + begin) ++rank_;
      const std::int64_t end = std::min(count, share_end() - dealt_);
      parts.push_back({begin, end, rank_});
      begin = end;
    }
    dealt_ += count;
    return parts;
  }

 private:
  std::int64_t share_end() const { return (rank_ + 1) * total_ / world_size_; }

  std::int64_t total_;
  int world_size_;
  int rank_ = 0;
  std::int64_t dealt_ = 0;
};

}  // namespace

void partition(std::span<TensorRecord> tensors, std::span<const std::vector<TensorPart>* const> parts, int world_size) {
  require(world_size > 0, "a checkpoint of ", world_size, " ranks");
  std::int64_t replicated = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (parts[i] == nullptr) replicated += tensors[i].shape.count();

  EvenShares shares(replicated, world_size);
  std::map<std::pair<int, DType>, std::int64_t> dataset_end;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    TensorRecord& tensor = tensors[i];
    const std::int64_t range = kRangeBytes / static_cast<std::int64_t>(size_of(tensor.dtype));
    tensor.pieces.clear();
    for (const TensorPart& part : parts[i] == nullptr ? shares.next(tensor.shape.count()) : *parts[i]) {
      for (std::int64_t begin = part.begin; begin < part.end;) {
        const std::int64_t end = std::min(part.end, (begin / range + 1) * range);
        std::int64_t& offset = dataset_end[{part.rank, tensor.dtype}];
        tensor.pieces.push_back({begin, end, part.rank, offset, {}});
        offset += end - begin;
        begin = end;
      }
    }
  }
}

void partition(std::span<TensorRecord> tensors, int world_size) {
  partition(tensors, std::vector<const std::vector<TensorPart>*>(tensors.size()), world_size);
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
