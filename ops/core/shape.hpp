#pragma once
// The extents of a dense row-major array of at most four dimensions. A plain value, so that kernels on any device can
// hold it.

#include <cstdint>
#include <initializer_list>
#include <ostream>

#include "ops/core/error.hpp"

namespace isobath {

class Shape {
 public:
  static constexpr int kMaxRank = 4;

  constexpr Shape() = default;
  constexpr Shape(std::initializer_list<std::int64_t> extents) {
    for (const std::int64_t extent : extents) extents_[rank_++] = extent;
  }

  constexpr int rank() const { return rank_; }
  constexpr std::int64_t operator[](int dim) const { return extents_[dim]; }
  /// Number of elements; 1 for a shape without dimensions.
  constexpr std::int64_t count() const {
    std::int64_t product = 1;
    for (int dim = 0; dim < rank_; ++dim) product *= extents_[dim];
    return product;
  }
  constexpr bool operator==(const Shape& other) const {
    if (rank_ != other.rank_) return false;
    for (int dim = 0; dim < rank_; ++dim)
      if (extents_[dim] != other.extents_[dim]) return false;
    return true;
  }

 private:
  std::int64_t extents_[kMaxRank] = {0, 0, 0, 0};
  int rank_ = 0;
};

inline std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  out << '[';
  for (int dim = 0; dim < shape.rank(); ++dim) out << (dim ? ", " : "") << shape[dim];
  return out << ']';
}

}  // namespace isobath
