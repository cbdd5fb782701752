#pragma once
// The gradient of the queries: tiles of queries walk over the keys they see.

#include "ops/attention/cuda/query_tile.cuh"
#include "ops/attention/cuda/upstream.cuh"

namespace isobath::flash {

/// What a thread knows of its rows beside their positions.
template <class Shape>
struct OwnRowSums {
  float log2_sum[Shape::kOwnRows], delta[Shape::kOwnRows];

  template <class T>
  __device__ __forceinline__ OwnRowSums(const QueryTile<Shape, T>& tile, const Upstream<T>& up) {
    const auto out = tile.rows_of(up.out), grad_out = tile.rows_of(up.grad_out);
#pragma unroll
    for (int i = 0; i < Shape::kOwnRows; ++i) {
      const int own = Shape::own_row(i);
      const std::int64_t row = tile.first + (own < tile.count ? own : 0);  // one that is there: threads meet in the sum
      log2_sum[i] = up.log2_sum[tile.head * up.rows + tile.members.begin + row];
      delta[i] = dot_of_rows<Shape::kLanesOfRow>(out, grad_out, row, Shape::lane_of_row());
    }
  }
};

template <int kWidth, class T>
__global__ void __launch_bounds__(kTileThreads, kBlocksTogether)
    grad_of_queries(TileQueue tiles, Operands<T> in, Upstream<T> up, T* grad_q, Accumulate mode) {
  using Shape = TileShape<kWidth>;
  const QueryTile<Shape, T> tile(in, take_tile(tiles));
  if (tile.count <= 0) return;
  float* const own_q = cuda::dynamic_shared<float>();
  float* const own_grad = own_q + Shape::kOwnFloats;
  const KeyWalk<kWidth, T> walk(in, tile, own_grad + Shape::kOwnFloats);
  float* const weights = walk.end();
  load_tile<kWidth>(tile.rows_of(in.q), tile.first, tile.count, Shape::kRows, kLog2E * in.scale, own_q);
  load_tile<kWidth>(tile.rows_of(up.grad_out), tile.first, tile.count, Shape::kRows, 1.0F, own_grad);
  const OwnRowSums<Shape> own(tile, up);
  OwnSums<kWidth> sums{};
  for (std::int64_t key = 0; key < walk.seen; key += kWalked) {
    walk.load(key);
    float scores[Shape::kOwnRows][kOwnScores], slopes[Shape::kOwnRows][kOwnScores];
    scores_of<kWidth>(own_q, walk.keys, in.width, scores);
    scores_of<kWidth>(own_grad, walk.values, in.width, slopes);
#pragma unroll
    for (int i = 0; i < Shape::kOwnRows; ++i)
#pragma unroll
      for (int j = 0; j < kOwnScores; ++j) {
        through_softmax(scores[i][j], slopes[i][j], own.log2_sum[i], own.delta[i]);
        if (!walk.sees(tile.position[i], j)) slopes[i][j] = 0.0F;
      }
    store_weights<kWidth>(slopes, weights);
    __syncwarp();
    add_product(weights, walk.keys, sums);
  }
  tile.for_own_rows([&](int i, std::int64_t row) { put_row(sums, i, in.scale, mode, tile.rows_of(grad_q), row); });
}

}  // namespace isobath::flash
