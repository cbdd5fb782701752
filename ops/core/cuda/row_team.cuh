#pragma once
// Kernels in which the threads that share a row compute sums over it and keep it: a warp for a short row, a block for a
// long one. Each thread keeps the elements it loads in shared memory, where only it looks for them: the row is read
// once, and a row of any length finds room.

#include <algorithm>

#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/pack_math.cuh"
#include "ops/core/cuda/reduce.cuh"
#include "ops/core/error.hpp"

namespace isobath::cuda {

inline constexpr unsigned kMaxTeam = 256;          // threads that share a row, and threads of a block
inline constexpr std::int64_t kPacksOfAWarp = 64;  // a row of as many is a warp's work
// Shared memory that a block may have on compute capability 9.0, less what block_sum needs.
inline constexpr std::int64_t kTeamBytes = 226 * 1024;

/// Teams for `rows` rows, each with room for `copies` f32 rows. `name` is for the error when a row finds no room.
inline LaunchShape a_team_per_row(const char* name, std::int64_t rows, std::int64_t columns, int length, int copies) {
  const std::int64_t packs = columns / length, bytes = columns * copies * static_cast<std::int64_t>(sizeof(float));
  if (bytes > kTeamBytes)
    throw BackendError(text(name, ": rows of ", columns, " elements on CUDA; at most ",
                            kTeamBytes / static_cast<std::int64_t>(copies * sizeof(float)), " fit into shared memory"));
  const unsigned rows_of_a_block = packs <= kPacksOfAWarp ? kMaxTeam / kWarp : 1;
  const unsigned team = rows_of_a_block > 1 ? kWarp : std::min(blocks_for(packs, kWarp) * kWarp, kMaxTeam);
  return {.blocks = blocks_for(rows, rows_of_a_block),
          .threads = dim3(team, rows_of_a_block),
          .dynamic_bytes = static_cast<std::size_t>(bytes) * rows_of_a_block};
}

/// May lie beyond the last row; a team is beyond as a whole, and then a warp.
__device__ __forceinline__ std::int64_t row_of_team() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
}

/// The team's shared memory: `copies` rows.
__device__ __forceinline__ float* kept_by_team(std::int64_t columns, int copies) {
  return dynamic_shared<float>() + threadIdx.y * columns * copies;
}

/// body(column) for the first column of every pack that the calling thread owns.
template <int kLength, class Body>
__device__ __forceinline__ void for_own_packs(std::int64_t columns, Body&& body) {
  for (std::int64_t c = threadIdx.x * kLength; c < columns; c += blockDim.x * kLength) body(c);
}

/// Every thread of the team gets the sums over it, in an order that depends on the team's size alone.
template <int kCount>
__device__ __forceinline__ void team_sum(float (&values)[kCount]) {
  if (blockDim.x > kWarp) return block_sum(values);
#pragma unroll
  for (int i = 0; i < kCount; ++i) values[i] = warp_sum(values[i]);
}

}  // namespace isobath::cuda
