#include "ops/core/cuda/launch.hpp"
#include "ops/gather_rows/gather_rows.hpp"
#include "ops/gather_rows/sum_by_row.cuh"
#include "ops/tensor/matrix.cuh"

namespace isobath::kernel {
namespace {

using cuda::Matrix;

// A warp moves a row, eight rows a block.
constexpr unsigned kLanes = 32, kRowsPerBlock = 8;

cuda::LaunchShape a_warp_per_row(std::int64_t rows) {
  return {.blocks = cuda::blocks_for(rows, kRowsPerBlock), .threads = dim3(kLanes, kRowsPerBlock)};
}

__device__ __forceinline__ std::int64_t row_of_warp() {
  return static_cast<std::int64_t>(blockIdx.x) * kRowsPerBlock + threadIdx.y;
}

// Bits are moved as they are: words of 16 bytes, or elements.
template <int kLength, class T>
using Word = std::conditional_t<kLength == 1, T, uint4>;

template <int kLength, class T>
__global__ void copy_rows(Matrix<const T> x, const std::int32_t* rows, Matrix<T> out) {
  using Moved = Word<kLength, T>;
  const std::int64_t i = row_of_warp();
  if (i >= out.rows) return;
  const auto* from = reinterpret_cast<const Moved*>(x.row(rows[i]));
  auto* to = reinterpret_cast<Moved*>(out.row(i));
  for (std::int64_t word = threadIdx.x; word < out.columns / kLength; word += kLanes) to[word] = from[word];
}

// The index of the first of `count` ascending rows that is not below `wanted`.
__device__ __forceinline__ std::int64_t lower_bound(const std::int32_t* rows, std::int64_t count, std::int64_t wanted) {
  std::int64_t low = 0;
  while (count > 0) {
    const std::int64_t half = count / 2;
    const bool below = rows[low + half] < wanted;
    low = below ? low + half + 1 : low;
    count = below ? count - half - 1 : half;
  }
  return low;
}

// Each row of grad_x asks which of the ascending rows names it, so that it is written once: a copy, or zero.
template <int kLength, class T>
__global__ void overwrite_ascending(Matrix<const T> grad_out, const std::int32_t* rows, Matrix<T> grad_x) {
  using Moved = Word<kLength, T>;
  const std::int64_t row = row_of_warp();
  if (row >= grad_x.rows) return;
  const std::int64_t i = lower_bound(rows, grad_out.rows, row);
  const bool named = i < grad_out.rows && rows[i] == row;
  const auto* from = reinterpret_cast<const Moved*>(grad_out.row(i));
  auto* to = reinterpret_cast<Moved*>(grad_x.row(row));
  for (std::int64_t word = threadIdx.x; word < grad_x.columns / kLength; word += kLanes)
    to[word] = named ? from[word] : Moved{};
}

template <int kLength, class T>
__global__ void add_ascending(Matrix<const T> grad_out, const std::int32_t* rows, Matrix<T> grad_x) {
  const std::int64_t i = row_of_warp();
  if (i >= grad_out.rows) return;
  const T* from = grad_out.row(i);
  T* to = grad_x.row(rows[i]);
  for (std::int64_t c = threadIdx.x * kLength; c < grad_x.columns; c += kLanes * kLength) {
    auto sum = cuda::load<kLength>(to + c);
    const auto more = cuda::load<kLength>(from + c);
#pragma unroll
    for (int e = 0; e < kLength; ++e) sum.values[e] += more.values[e];
    cuda::store(to + c, sum);
  }
}

}  // namespace

template <class T>
void gather_rows(CudaQueue queue, View<const T> x, View<const std::int32_t> rows, View<T> out) {
  if (out.count() == 0) return;
  const Matrix<const T> from(x);
  const Matrix<T> to(out);
  cuda::with_length<T>(
      [&](auto length) {
        cuda::launch("gather_rows", &copy_rows<length(), T>, a_warp_per_row(to.rows), queue, from, rows.data, to);
      },
      from, to);
}

template <class T>
void gather_rows_backward(CudaQueue queue, View<const T> grad_out, View<const std::int32_t> rows, RowOrder order,
                          Accumulate mode, View<T> grad_x) {
  const bool nothing_to_add = mode == Accumulate::Add && grad_out.count() == 0;
  if (grad_x.count() == 0 || nothing_to_add) return;
  const Matrix<const T> from(grad_out);
  const Matrix<T> to(grad_x);
  cuda::with_length<T>(
      [&](auto length) {
        if (order == RowOrder::Any)
          cuda::launch("gather_rows_backward", &sum_by_row<length(), T>,
                       blocks_of_sum_by_row<length()>(to.rows, to.columns), queue, from, rows.data, mode, to);
        else if (mode == Accumulate::Add)
          cuda::launch("gather_rows_backward", &add_ascending<length(), T>, a_warp_per_row(from.rows), queue, from,
                       rows.data, to);
        else
          cuda::launch("gather_rows_backward", &overwrite_ascending<length(), T>, a_warp_per_row(to.rows), queue, from,
                       rows.data, to);
      },
      from, to);
}

template void gather_rows<float>(CudaQueue, View<const float>, View<const std::int32_t>, View<float>);
template void gather_rows<bfloat16>(CudaQueue, View<const bfloat16>, View<const std::int32_t>, View<bfloat16>);
template void gather_rows_backward<float>(CudaQueue, View<const float>, View<const std::int32_t>, RowOrder, Accumulate,
                                          View<float>);
template void gather_rows_backward<bfloat16>(CudaQueue, View<const bfloat16>, View<const std::int32_t>, RowOrder,
                                             Accumulate, View<bfloat16>);

}  // namespace isobath::kernel
