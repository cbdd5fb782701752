#pragma once
// The gradient of the queries in bf16: tiles of queries walk over the keys they see.

#include "ops/attention/cuda/grad_of_queries.cuh"
#include "ops/attention/mma/key_walk.cuh"

namespace isobath::flash::mma {

/// Heads wider than this have more sums than registers hold: their gradients are computed without tensor cores.
inline constexpr int kMaxBackwardWidth = 128;

/// Rows of a walked tile: as many as registers hold scores and slopes of.
template <int kWidth>
inline constexpr int kBackwardRows = kWidth > 64 ? 32 : 64;

template <int kWidth>
using BackwardWalk = KeyWalk<kWidth, kBackwardRows<kWidth>, Layout::Both, Layout::Rows>;

template <int kWidth>
inline constexpr std::size_t kGradOfQueriesBytes = sizeof(BFloat16Pair) *
                                                   (2 * OwnTile<kWidth>::kWords + BackwardWalk<kWidth>::kWords);

template <int kWidth>
struct OwnQueries {
  OwnTile<kWidth> queries, grads;
};

template <int kWidth>
__device__ __forceinline__ void add_grad_of_queries(const OwnQueries<kWidth>& own, const OwnRowSums<MmaShape>& rows,
                                                    const BackwardWalk<kWidth>& walk, const MmaQueryTile& tile,
                                                    MmaSums<kWidth>& sums) {
  constexpr int kCount = kBackwardRows<kWidth> / cuda::kMmaColumns;
  const float scale = kLog2E * tile.in.scale;
  cuda::SumFragment scores[kCount], slopes[kCount];
  scores_of<kWidth>(own.queries, walk.keys, tile.in.width, scores);
  scores_of<kWidth>(own.grads, walk.values, tile.in.width, slopes);
#pragma unroll
  for (int n = 0; n < kCount; ++n)
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      float score = scale * scores[n].values[e];
      through_softmax(score, slopes[n].values[e], rows.log2_sum[e / 2], rows.delta[e / 2]);
      if (!walk.sees(tile.position[e / 2], column_of(n, e))) slopes[n].values[e] = 0.0F;
    }
  add_product(slopes, walk.keys, sums);
}

template <int kWidth>
__global__ void __launch_bounds__(kThreads)
    grad_of_queries(TileQueue tiles, Operands<bfloat16> in, Upstream<bfloat16> up, bfloat16* grad_q, Accumulate mode) {
  const MmaQueryTile tile(in, take_tile(tiles));
  if (tile.count <= 0) return;
  const OwnTile<kWidth> queries{cuda::dynamic_shared<BFloat16Pair>()};
  const OwnQueries<kWidth> own{queries, {queries.end()}};
  const BackwardWalk<kWidth> walk(in, tile, own.grads.end());
  own.queries.load(tile.rows_of(in.q), tile.first, tile.count);
  own.grads.load(tile.rows_of(up.grad_out), tile.first, tile.count);
  const OwnRowSums<MmaShape> rows(tile, up);
  const bool has_rows = MmaShape::first_of_warp() < tile.count;  // others only help to load
  MmaSums<kWidth> sums{};
  for (std::int64_t key = 0; key < walk.seen; key += kBackwardRows<kWidth>) {
    walk.load(key);
    if (has_rows) add_grad_of_queries(own, rows, walk, tile, sums);
  }
  tile.for_own_rows([&](int i, std::int64_t row) { put_row(sums, i, in.scale, mode, tile.rows_of(grad_q), row); });
}

}  // namespace isobath::flash::mma
