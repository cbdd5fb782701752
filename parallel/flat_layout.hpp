#pragma once
// Where parameters lie in the flat buffers: arithmetic only, no memory. All numbers are elements.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/autograd/parameter.hpp"

namespace isobath {

/// What the layout has to know of a parameter.
struct FlatItem {
  std::int64_t count = 0;
  ParameterGroup group = ParameterGroup::Main;
  WeightDecay decay = WeightDecay::Yes;
  float rate = 1.0F;  ///< learning rate over the group's
};

/// A range [begin, end).
struct FlatRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t count() const { return end - begin; }
  bool operator==(const FlatRange&) const = default;
};

/// One parameter in the buffer.
struct FlatPiece {
  std::size_t item = 0;  ///< index in the order of use
  std::size_t bucket = 0;
  FlatRange range;
};

/// Consecutive parameters of one group whose gradients are reduced together. Padding included.
struct FlatBucket {
  ParameterGroup group = ParameterGroup::Main;
  FlatRange range;
  std::size_t first_piece = 0;  ///< pieces [first_piece, end_piece)
  std::size_t end_piece = 0;
};

/// A range that is updated alike, for the optimizer. May cover padding, which stays zero under any update of zeros.
struct UpdateRange {
  FlatRange range;
  WeightDecay decay = WeightDecay::Yes;
  float rate = 1.0F;
};

struct FlatSettings {
  std::int64_t bucket_bytes = 25 << 20;  ///< of f32; a bucket is closed before it would grow beyond this
  int world_size = 1;
};

/// 64 bytes of f32: where every parameter begins.
inline constexpr std::int64_t kFlatAlignment = 16;

/// Groups one after the other; within a group the parameters in reverse order of use, because that is how backward
/// completes their gradients. A bucket takes parameters while they fit; one that alone exceeds bucket_bytes is not
/// split and gets a bucket of its own. Every bucket's length is a multiple of world_size * kFlatAlignment.
class FlatLayout {
 public:
  /// `items` in order of use, each with at least one element.
  FlatLayout(const std::vector<FlatItem>& items, FlatSettings settings);

  std::int64_t total() const { return total_; }
  int world_size() const { return world_size_; }
  /// In the order of the buffer.
  const std::vector<FlatPiece>& pieces() const { return pieces_; }
  const std::vector<FlatBucket>& buckets() const { return buckets_; }
  /// Of parameter `item` in order of use.
  const FlatPiece& piece_of(std::size_t item) const { return pieces_[place_[item]]; }
  FlatRange group(ParameterGroup group) const { return groups_[static_cast<std::size_t>(group)]; }
  /// Ascending ranges that together are group(group), counted from its begin; neighbours differ in decay
  /// or rate.
  std::vector<UpdateRange> update_ranges(ParameterGroup group) const;

 private:
  void append(std::size_t item, const FlatItem& what);
  void close_bucket(std::int64_t multiple);

  int world_size_;
  std::int64_t total_ = 0;
  std::vector<FlatPiece> pieces_;
  std::vector<FlatBucket> buckets_;
  std::vector<std::size_t> place_;    // of each item in pieces_
  std::vector<UpdateRange> updates_;  // of each piece
  std::array<FlatRange, kParameterGroups> groups_{};
};

}  // namespace isobath
