#pragma once
// Which positions of an index list name each row: the list turned inside out, so that one thread can own all that goes
// to a row.

#include <algorithm>

#include "ops/core/threads.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath::kernel {

/// For rows: [K] with values in [0, N), by counting sort: the members of row r are the i with rows[i] == r, ascending.
class RowGroups {
 public:
  RowGroups(View<const std::int32_t> rows, std::int64_t row_count);

  std::span<const std::int32_t> members(std::int64_t row) const {
    const View<const std::int32_t> starts = starts_.view<const std::int32_t>();
    return {members_.view<const std::int32_t>().data + starts[row],
            static_cast<std::size_t>(starts[row + 1] - starts[row])};
  }

  /// body(begin, end) over ranges of rows, of about equal sums of members and rows: frequent rows are no one's burden.
  template <class Body>
  void parallel_rows(Body&& body) const {
    parallel_for(weight_before(row_count_), 64, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t first = first_row_at(begin), last = first_row_at(end);
      if (first < last) body(first, last);
    });
  }

 private:
  std::int64_t weight_before(std::int64_t row) const { return row + starts_.view<const std::int32_t>()[row]; }
  std::int64_t first_row_at(std::int64_t weight) const;

  std::int64_t row_count_;
  Tensor starts_;   // i32 [N + 1]
  Tensor members_;  // i32 [K]
};

}  // namespace isobath::kernel
