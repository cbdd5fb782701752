#include "ops/core/threads.hpp"
#include "ops/rope/rope.hpp"

namespace isobath::kernel {
namespace {

/// One head of one row: `pairs` channels (low[j], high[j]) by the angles of `cosines` and `sign` times those of
/// `sines`.
template <Accumulate mode, class T>
void turn_head(const T* x, const float* cosines, const float* sines, float sign, T* out, std::int64_t pairs) {
#pragma omp simd
  for (std::int64_t j = 0; j < pairs; ++j) {
    const float low = float(x[j]), high = float(x[pairs + j]), sine = sign * sines[j];
    const float new_low = low * cosines[j] - high * sine, new_high = high * cosines[j] + low * sine;
    round_to(out[j], mode == Accumulate::Add ? float(out[j]) + new_low : new_low);
    round_to(out[pairs + j], mode == Accumulate::Add ? float(out[pairs + j]) + new_high : new_high);
  }
}

}  // namespace

template <class T>
void rope(CpuQueue, View<const T> x, View<const float> table, RowPositions positions, Turn turn, Accumulate mode,
          View<T> out) {
  const std::int64_t columns = x.columns(), width = table.columns(), pairs = width / 2;
  const float sign = turn == Turn::Forth ? 1.0F : -1.0F;
  const auto head = mode == Accumulate::Add ? turn_head<Accumulate::Add, T> : turn_head<Accumulate::Overwrite, T>;
  parallel_for(x.dim(0), row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const float* angles = table.row(positions.of(row));
      for (std::int64_t c = 0; c < columns; c += width)
        head(x.row(row) + c, angles, angles + pairs, sign, out.row(row) + c, pairs);
    }
  });
}

template void rope<float>(CpuQueue, View<const float>, View<const float>, RowPositions, Turn, Accumulate, View<float>);
template void rope<bfloat16>(CpuQueue, View<const bfloat16>, View<const float>, RowPositions, Turn, Accumulate,
                             View<bfloat16>);

}  // namespace isobath::kernel
