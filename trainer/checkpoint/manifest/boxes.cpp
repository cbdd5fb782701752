#include "trainer/checkpoint/manifest/boxes.hpp"

#include <cstddef>

namespace isobath {
namespace {

class Cutter {
 public:
  explicit Cutter(const std::vector<std::int64_t>& shape) : shape_(shape) {}

  /// [begin, end) of the part of the array in which the first dimensions are fixed to `at_`.
  void cut(std::int64_t begin, std::int64_t end) {
    if (begin >= end) return;
    const std::size_t dim = at_.size();
    std::int64_t row = 1;
    for (std::size_t d = dim + 1; d < shape_.size(); ++d) row *= shape_[d];
    const std::int64_t first_whole = (begin + row - 1) / row, end_whole = end / row;
    if (first_whole > end_whole) return descend(begin / row, begin % row, end - begin / row * row);
    if (begin % row != 0) descend(begin / row, begin % row, row);
    emit(first_whole, end_whole - first_whole);
    if (end % row != 0) descend(end_whole, 0, end % row);
  }

  std::vector<Box> boxes;

 private:
  void descend(std::int64_t index, std::int64_t begin, std::int64_t end) {
    at_.push_back(index);
    cut(begin, end);
    at_.pop_back();
  }
  void emit(std::int64_t start, std::int64_t count) {
    if (count == 0) return;
    Box box{at_, std::vector<std::int64_t>(at_.size(), 1)};
    box.start.push_back(start);
    box.count.push_back(count);
    box.start.resize(shape_.size(), 0);
    for (std::size_t dim = box.count.size(); dim < shape_.size(); ++dim) box.count.push_back(shape_[dim]);
    boxes.push_back(std::move(box));
  }

  const std::vector<std::int64_t>& shape_;
  std::vector<std::int64_t> at_;
};

}  // namespace

std::vector<Box> boxes_of(const std::vector<std::int64_t>& shape, std::int64_t begin, std::int64_t end) {
  Cutter cutter(shape);
  cutter.cut(begin, end);
  return cutter.boxes;
}

}  // namespace isobath
