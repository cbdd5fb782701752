#include "ops/gather_rows/row_groups.hpp"

namespace isobath::kernel {

RowGroups::RowGroups(View<const std::int32_t> rows, std::int64_t row_count)
    : row_count_(row_count),
      starts_(Tensor::zeros(Shape{row_count + 1}, DType::I32)),
      members_(Tensor::empty(Shape{rows.count()}, DType::I32)) {
  const View<std::int32_t> starts = starts_.view<std::int32_t>(), members = members_.view<std::int32_t>();
  for (std::int64_t i = 0; i < rows.count(); ++i) ++starts[rows[i]];
  for (std::int64_t row = 0; row < row_count; ++row) starts[row + 1] += starts[row];
  // starts[row] is now the end of row's members; filling from the back turns it into the beginning.
  for (std::int64_t i = rows.count() - 1; i >= 0; --i) members[--starts[rows[i]]] = static_cast<std::int32_t>(i);
}

std::int64_t RowGroups::first_row_at(std::int64_t weight) const {
  std::int64_t low = 0, high = row_count_;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (weight_before(middle) < weight)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

}  // namespace isobath::kernel
