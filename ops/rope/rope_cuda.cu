#include "ops/core/cuda/rows.cuh"
#include "ops/rope/rope.hpp"
#include "ops/tensor/matrix.cuh"

namespace isobath::kernel {
namespace {

using cuda::Matrix;

/// How rows are turned. A head has `pairs` channels with their cosine, and as many with their sine.
struct Angles {
  const float* table;
  const std::int32_t* positions;  // null: row i is at i % length
  std::int64_t length;
  unsigned pairs;
  float sign;

  __device__ __forceinline__ const float* of(std::int64_t row) const {
    return table + (positions != nullptr ? positions[row] : row % length) * 2 * pairs;
  }
};

// A lane turns kLength neighbouring pairs of a head at a time.
template <int kLength, class T>
__global__ void __launch_bounds__(cuda::kRowThreads)
    turn_rows(Matrix<const T> x, Angles angles, Accumulate mode, Matrix<T> out) {
  const std::int64_t row = cuda::row_of_warp();
  if (row >= x.rows) return;
  const float* const cosines = angles.of(row);
  const unsigned pairs = angles.pairs;
  cuda::for_packs_of_lane<kLength>(x.columns / 2, [&](std::int64_t pair) {
    const unsigned head = static_cast<unsigned>(pair) / pairs, j = static_cast<unsigned>(pair) - head * pairs;
    const std::int64_t low_at = static_cast<std::int64_t>(head) * 2 * pairs + j, high_at = low_at + pairs;
    const auto low = cuda::load<kLength>(x.row(row) + low_at), high = cuda::load<kLength>(x.row(row) + high_at);
    const auto cosine = cuda::load<kLength>(cosines + j);
    const auto sine =
        cuda::map([sign = angles.sign](float s) { return sign * s; }, cuda::load<kLength>(cosines + pairs + j));
    const auto new_low = [](float l, float h, float c, float s) { return l * c - h * s; };
    const auto new_high = [](float l, float h, float c, float s) { return h * c + l * s; };
    cuda::put(out.row(row) + low_at, mode, cuda::map(new_low, low, high, cosine, sine));
    cuda::put(out.row(row) + high_at, mode, cuda::map(new_high, low, high, cosine, sine));
  });
}

}  // namespace

template <class T>
void rope(CudaQueue queue, View<const T> x, View<const float> table, RowPositions positions, Turn turn, Accumulate mode,
          View<T> out) {
  if (x.count() == 0) return;
  const std::int64_t pairs = table.columns() / 2;
  const Angles angles{table.data, positions.listed.data, positions.length, static_cast<unsigned>(pairs),
                      turn == Turn::Forth ? 1.0F : -1.0F};
  // What must begin at a multiple of 16 bytes is half a head.
  const Shape halves{x.count() / pairs, pairs};
  cuda::with_length<T>(
      [&](auto length) {
        cuda::launch("rope", &turn_rows<length(), T>, cuda::a_warp_per_row(x.rows()), queue, Matrix<const T>(x), angles,
                     mode, Matrix<T>(out));
      },
      Matrix<const T>({x.data, halves}), Matrix<T>({out.data, halves}),
      Matrix<const float>({table.data, Shape{2 * table.rows(), pairs}}));
}

template void rope<float>(CudaQueue, View<const float>, View<const float>, RowPositions, Turn, Accumulate, View<float>);
template void rope<bfloat16>(CudaQueue, View<const bfloat16>, View<const float>, RowPositions, Turn, Accumulate,
                             View<bfloat16>);

}  // namespace isobath::kernel
