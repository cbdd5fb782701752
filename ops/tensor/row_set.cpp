#include "ops/tensor/row_set.hpp"

#include <vector>

namespace isobath {

RowSet RowSet::all(std::int64_t batch, std::int64_t length) {
  RowSet set;
  set.batch_ = batch;
  set.length_ = length;
  return set;
}

RowSet RowSet::of(Tensor rows, Tensor offsets, Tensor positions, std::int64_t batch, std::int64_t length) {
  require(rows.dtype() == DType::I32 && offsets.dtype() == DType::I32 && positions.dtype() == DType::I32,
          "row set: i32 expected");
  require(offsets.count() == batch + 1 && positions.count() == rows.count(), "row set: ", rows.shape(), " rows, ",
          offsets.shape(), " offsets, ", positions.shape(), " positions for ", batch, " sequences");
  RowSet set = all(batch, length);
  set.rows_ = std::move(rows);
  set.offsets_ = std::move(offsets);
  set.positions_ = std::move(positions);
  return set;
}

RowSet RowSet::from_rows(std::span<const std::int32_t> rows, std::int64_t batch, std::int64_t length, Device device) {
  std::vector<std::int32_t> offsets(static_cast<std::size_t>(batch) + 1, 0), positions(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    require(rows[i] >= 0 && rows[i] < batch * length && (i == 0 || rows[i] > rows[i - 1]), "row set: row ", rows[i],
            " at ", i, " is out of range or out of order");
    positions[i] = static_cast<std::int32_t>(rows[i] % length);
    ++offsets[static_cast<std::size_t>(rows[i] / length) + 1];
  }
  for (std::size_t s = 1; s < offsets.size(); ++s) offsets[s] += offsets[s - 1];
  const Shape shape{static_cast<std::int64_t>(rows.size())};
  return of(Tensor::from(shape, rows, device), Tensor::from(Shape{batch + 1}, offsets, device),
            Tensor::from(shape, positions, device), batch, length);
}

}  // namespace isobath
