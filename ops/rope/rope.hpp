#pragma once
#include "ops/core/accumulate.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// Rotary position embedding (Su et al. 2021, arXiv 2104.09864): in every head, the pair of channels (j, j + D / 2) is
/// turned by the angle p * base^(-2 j / D), where p is the row's original position in its sequence; a product of a
/// turned query and a turned key then depends on the distance of their positions alone.

/// f32 [positions, D]: in row p the D / 2 cosines of its angles, then the sines; angles in double. `width` = D is even,
/// base > 0.
Tensor rope_table(std::int64_t positions, std::int64_t width, double base, Device device);

/// x: [K, heads * D] in f32 or bf16 holds the rows of `rows`; `table` as rope_table made it, for at least rows.length()
/// positions. Computed in f32. Backward is the rotation by the opposite angle. Throws InternalError when shapes or
/// devices do not fit.
Tensor rope(const Tensor& x, const Tensor& table, const RowSet& rows);

namespace kernel {
/// By the angles of the table, or by the opposite ones.
enum class Turn { Forth, Back };

/// Original positions of the rows: `listed` [K], or, with null data, row i is at i % length.
struct RowPositions {
  View<const std::int32_t> listed;
  std::int64_t length;

  std::int64_t of(std::int64_t row) const { return listed.data ? listed[row] : row % length; }
};

/// out is (Overwrite) or grows by (Add) the turned x.
template <class T>
void rope(CpuQueue queue, View<const T> x, View<const float> table, RowPositions positions, Turn turn, Accumulate mode,
          View<T> out);
template <class T>
void rope(CudaQueue queue, View<const T> x, View<const float> table, RowPositions positions, Turn turn, Accumulate mode,
          View<T> out);
}  // namespace kernel

}  // namespace isobath
