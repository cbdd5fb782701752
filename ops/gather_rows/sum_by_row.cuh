#pragma once
// The gradient of a gather whose rows may repeat, in any order, without floating-point atomics: a block owns a few rows
// of the result, looks for them in the whole list, and adds what it finds in ascending order.

#include "ops/autograd/grad_slot.hpp"
#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/reduce.cuh"
#include "ops/tensor/matrix.cuh"

namespace isobath::kernel {

inline constexpr int kOwnedRows = 8;        // of a block: the list is read once per as many rows
inline constexpr int kSearchThreads = 128;  // of a block, and list entries looked at together
inline constexpr unsigned kSearchWarps = kSearchThreads / cuda::kWarp;

/// Shared memory of a block. A thread owns `kLength` neighbouring columns of `sums`.
template <int kLength>
struct RowSums {
  alignas(16) float sums[kOwnedRows][kSearchThreads * kLength];
  std::int32_t found[kSearchThreads];     // list positions that name an owned row, ascending
  std::int8_t found_row[kSearchThreads];  // which of the owned rows each names
  std::int32_t found_by_warp[kSearchWarps];
};

template <int kLength>
cuda::LaunchShape blocks_of_sum_by_row(std::int64_t rows, std::int64_t columns) {
  return {.blocks = dim3(cuda::blocks_for(rows, kOwnedRows), cuda::blocks_for(columns, kSearchThreads * kLength)),
          .threads = dim3(kSearchThreads)};
}

// The entries of rows[begin .. begin + kSearchThreads) that name an owned row, in order; how many. Ends with a barrier.
template <int kLength>
__device__ int find_owned(const std::int32_t* rows, std::int64_t count, std::int64_t begin, std::int64_t first_row,
                          RowSums<kLength>& shared) {
  const unsigned lane = threadIdx.x % cuda::kWarp, warp = threadIdx.x / cuda::kWarp;
  const std::int64_t i = begin + threadIdx.x;
  const std::int64_t owned = i < count ? rows[i] - first_row : -1;
  const bool hit = owned >= 0 && owned < kOwnedRows;
  const unsigned hits = __ballot_sync(cuda::kAllLanes, hit);
  if (lane == 0) shared.found_by_warp[warp] = __popc(hits);
  __syncthreads();
  int before = 0, total = 0;
  for (unsigned w = 0; w < kSearchWarps; ++w) {
    before += w < warp ? shared.found_by_warp[w] : 0;
    total += shared.found_by_warp[w];
  }
  if (hit) {
    const int slot = before + __popc(hits & ((1U << lane) - 1U));
    shared.found[slot] = static_cast<std::int32_t>(i);
    shared.found_row[slot] = static_cast<std::int8_t>(owned);
  }
  __syncthreads();
  return total;
}

// sums[r][own ...] of the block's rows that exist: zero, or what the result holds already.
template <int kLength, class T>
__device__ void begin_sums(const cuda::Matrix<T>& grad_x, std::int64_t first_row, std::int64_t column, Accumulate mode,
                           RowSums<kLength>& shared) {
  for (int r = 0; r < kOwnedRows && first_row + r < grad_x.rows; ++r) {
    cuda::Pack<kLength> start{};
    if (mode == Accumulate::Add) start = cuda::load<kLength>(grad_x.row(first_row + r) + column);
    cuda::store(&shared.sums[r][threadIdx.x * kLength], start);
  }
}

template <int kLength, class T>
__device__ void add_found(const cuda::Matrix<const T>& grad_out, int found, std::int64_t column,
                          RowSums<kLength>& shared) {
  for (int n = 0; n < found; ++n) {
    float* const mine = &shared.sums[shared.found_row[n]][threadIdx.x * kLength];
    auto sum = cuda::load<kLength>(mine);
    const auto more = cuda::load<kLength>(grad_out.row(shared.found[n]) + column);
#pragma unroll
    for (int e = 0; e < kLength; ++e) sum.values[e] += more.values[e];
    cuda::store(mine, sum);
  }
}

/// grad_x[r] = (Add: what it was) + the sum of grad_out[i] over the i with rows[i] == r, in f32, rounded once.
template <int kLength, class T>
__global__ void __launch_bounds__(kSearchThreads)
    sum_by_row(cuda::Matrix<const T> grad_out, const std::int32_t* rows, Accumulate mode, cuda::Matrix<T> grad_x) {
  auto& shared = cuda::block_shared<RowSums<kLength>>();
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.x) * kOwnedRows;
  const std::int64_t column = (static_cast<std::int64_t>(blockIdx.y) * kSearchThreads + threadIdx.x) * kLength;
  const bool has_columns = column < grad_x.columns;  // a thread without any still takes part in the search
  if (has_columns) begin_sums(grad_x, first_row, column, mode, shared);
  for (std::int64_t begin = 0; begin < grad_out.rows; begin += kSearchThreads) {
    const int found = find_owned(rows, grad_out.rows, begin, first_row, shared);
    // The next search writes its list behind a barrier, which all threads reach when they have read this one.
    if (has_columns) add_found(grad_out, found, column, shared);
  }
  if (!has_columns) return;
  for (int r = 0; r < kOwnedRows && first_row + r < grad_x.rows; ++r)
    cuda::store(grad_x.row(first_row + r) + column, cuda::load<kLength>(&shared.sums[r][threadIdx.x * kLength]));
}

}  // namespace isobath::kernel
