#pragma once
// The gradients of keys and values in bf16: tiles of keys walk over the queries that see them, head after head of their
// group.

#include "ops/attention/cuda/grad_of_keys.cuh"
#include "ops/attention/mma/grad_of_queries.cuh"

namespace isobath::flash::mma {

/// Queries of a head, kRows at a time.
template <int kWidth, int kRows>
struct QueryWalk {
  const Operands<bfloat16>& in;
  const Upstream<bfloat16>& up;
  Members members;
  SharedTile<kWidth, kRows, Layout::Both> queries, grads;  // the tile at hand

  static constexpr int kWords = 2 * decltype(queries)::kWords;

  __device__ __forceinline__ QueryWalk(const Operands<bfloat16>& operands, const Upstream<bfloat16>& upstream,
                                       std::int64_t sequence, BFloat16Pair* memory)
      : in(operands), up(upstream), members(operands.queries, sequence), queries{memory}, grads{queries.end()} {}

  /// All threads of the block call; they may read what was written into shared memory before, too.
  __device__ __forceinline__ void load(std::int64_t head, std::int64_t query) const {
    const std::int64_t left = members.count - query;
    __syncthreads();  // the tile before has been read
    queries.load(in.query_head(in.q, members, head), query, left);
    grads.load(in.query_head(up.grad_out, members, head), query, left);
    cuda::block_shared<WalkedQueries<kRows>>().template load<kThreads>(in, up, members, head, query);
    __syncthreads();
  }
};

template <int kWidth>
using BackwardQueries = QueryWalk<kWidth, kBackwardRows<kWidth>>;

template <int kWidth>
inline constexpr std::size_t kGradOfKeysBytes = sizeof(BFloat16Pair) *
                                                (2 * OwnTile<kWidth>::kWords + BackwardQueries<kWidth>::kWords);

template <int kWidth>
struct OwnKeys {
  OwnTile<kWidth> keys, values;
};

template <int kWidth>
struct KeySums {
  MmaSums<kWidth> keys, values;
};

template <int kWidth>
__device__ __forceinline__ void add_grads_of_keys(const OwnKeys<kWidth>& own, const BackwardQueries<kWidth>& walk,
                                                  const KeyTile<MmaShape>& tile, KeySums<kWidth>& sums) {
  constexpr int kCount = kBackwardRows<kWidth> / cuda::kMmaColumns;
  const auto& walked = cuda::block_shared<WalkedQueries<kBackwardRows<kWidth>>>();
  const float scale = kLog2E * walk.in.scale;
  cuda::SumFragment scores[kCount], slopes[kCount];
  scores_of<kWidth>(own.keys, walk.queries, walk.in.width, scores);
  scores_of<kWidth>(own.values, walk.grads, walk.in.width, slopes);
#pragma unroll
  for (int n = 0; n < kCount; ++n)
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const int at = column_of(n, e);
      float &score = scores[n].values[e], &slope = slopes[n].values[e];
      score *= scale;
      through_softmax(score, slope, walked.log2_sum[at], walked.delta[at]);
      if (tile.position[e / 2] > walked.position[at]) score = slope = 0.0F;
    }
  add_product(scores, walk.grads, sums.values);
  add_product(slopes, walk.queries, sums.keys);
}

template <int kWidth>
__global__ void __launch_bounds__(kThreads) grad_of_keys(TileQueue tiles, Operands<bfloat16> in, Upstream<bfloat16> up,
                                                         GradView<bfloat16> grad_k, GradView<bfloat16> grad_v) {
  const KeyTile<MmaShape> tile(in.keys, take_tile(tiles));
  if (tile.count <= 0) return;
  const OwnTile<kWidth> keys{cuda::dynamic_shared<BFloat16Pair>()};
  const OwnKeys<kWidth> own{keys, {keys.end()}};
  const BackwardQueries<kWidth> walk(in, up, tile.sequence, own.values.end());
  own.keys.load(in.key_head(in.k, tile.members, tile.head), tile.first, tile.count);
  own.values.load(in.key_head(in.v, tile.members, tile.head), tile.first, tile.count);
  const bool has_rows = MmaShape::first_of_warp() < tile.count;  // others only help to load
  KeySums<kWidth> sums{};
  const std::int64_t blind = walk.members.before(tile.members.position(tile.first));
  for (std::int64_t head = tile.head * in.group; head < (tile.head + 1) * in.group; ++head)
    for (std::int64_t query = blind; query < walk.members.count; query += kBackwardRows<kWidth>) {
      walk.load(head, query);
      if (has_rows) add_grads_of_keys(own, walk, tile, sums);
    }
#pragma unroll
  for (int i = 0; i < MmaShape::kOwnRows; ++i) {
    if (MmaShape::own_row(i) >= tile.count) continue;
    const std::int64_t row = tile.first + MmaShape::own_row(i);
    if (grad_k.wanted())
      put_row(sums.keys, i, in.scale, grad_k.mode, in.key_head(grad_k.to.data, tile.members, tile.head), row);
    if (grad_v.wanted())
      put_row(sums.values, i, 1.0F, grad_v.mode, in.key_head(grad_v.to.data, tile.members, tile.head), row);
  }
}

}  // namespace isobath::flash::mma
