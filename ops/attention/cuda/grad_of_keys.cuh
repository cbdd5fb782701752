#pragma once
// The gradients of keys and values: tiles of keys walk over the queries that see them, head after head of their group.

#include "ops/attention/cuda/tile_queue.cuh"
#include "ops/attention/cuda/upstream.cuh"

namespace isobath::flash {

/// Of the queries of the walked tile.
template <int kRows>
struct WalkedQueries {
  std::int32_t position[kRows];  // -1 behind the last
  float log2_sum[kRows], delta[kRows];

  /// Of query `query` of the head and those behind it. All kThreads threads of the block call.
  template <int kThreads, class T>
  __device__ __forceinline__ void load(const Operands<T>& in, const Upstream<T>& up, const Members& members,
                                       std::int64_t head, std::int64_t query) {
    constexpr int kLanes = kThreads / kRows;
    const int index = static_cast<int>(threadIdx.x) / kLanes, lane = static_cast<int>(threadIdx.x) % kLanes;
    const bool is_there = index < members.count - query;
    const std::int64_t row = query + (is_there ? index : 0);  // one that is there: threads meet in the sum
    const float sum =
        dot_of_rows<kLanes>(in.query_head(up.out, members, head), in.query_head(up.grad_out, members, head), row, lane);
    if (lane != 0) return;
    position[index] = is_there ? members.position(row) : -1;
    log2_sum[index] = up.log2_sum[head * up.rows + members.begin + row];
    delta[index] = sum;
  }
};

/// Queries of a head, 32 at a time.
template <int kWidth, class T>
struct QueryWalk {
  const Operands<T>& in;
  const Upstream<T>& up;
  Members members;
  float *queries, *grads;  // the tile at hand, in shared memory

  __device__ __forceinline__ QueryWalk(const Operands<T>& operands, const Upstream<T>& upstream, std::int64_t sequence,
                                       float* memory)
      : in(operands),
        up(upstream),
        members(operands.queries, sequence),
        queries(memory),
        grads(memory + TileShape<kWidth>::kWalkedFloats) {}

  __device__ __forceinline__ float* end() const { return grads + TileShape<kWidth>::kWalkedFloats; }

  /// All threads of the block call; they may read what they wrote themselves into shared memory before, too.
  __device__ __forceinline__ void load(std::int64_t head, std::int64_t query) const {
    const std::int64_t left = members.count - query;
    __syncthreads();  // the tile before has been read
    load_tile<kWidth>(in.query_head(in.q, members, head), query, left, kWalked, kLog2E * in.scale, queries);
    load_tile<kWidth>(in.query_head(up.grad_out, members, head), query, left, kWalked, 1.0F, grads);
    cuda::block_shared<WalkedQueries<kWalked>>().template load<kTileThreads>(in, up, members, head, query);
    __syncthreads();
  }
};

/// The keys that a block owns. Shape says which of them a thread owns.
template <class Shape>
struct KeyTile {
  Members members;
  std::int64_t sequence, head, first;
  std::int64_t count;                      // 0 where the block has no tile
  std::int32_t position[Shape::kOwnRows];  // of the calling thread's rows; INT32_MAX behind the last

  __device__ __forceinline__ KeyTile(const kernel::SequenceRows& keys, const Tile& tile)
      : members(keys, tile.sequence),
        sequence(tile.sequence),
        head(tile.head),
        first(static_cast<std::int64_t>(tile.number) * Shape::kRows),
        count(rows_of_tile<Shape::kRows>(tile, members.count)) {
#pragma unroll
    for (int i = 0; i < Shape::kOwnRows; ++i)
      position[i] = Shape::own_row(i) < count ? members.position(first + Shape::own_row(i)) : INT32_MAX;
  }
};

/// The scores of the calling thread become probabilities, and the slopes gradients of scores; 0 where nothing is seen.
template <int kWidth>
__device__ __forceinline__ void through_softmax(const KeyTile<TileShape<kWidth>>& tile,
                                                float (&scores)[TileShape<kWidth>::kOwnRows][kOwnScores],
                                                float (&slopes)[TileShape<kWidth>::kOwnRows][kOwnScores]) {
  const auto& walked = cuda::block_shared<WalkedQueries<kWalked>>();
#pragma unroll
  for (int i = 0; i < TileShape<kWidth>::kOwnRows; ++i)
#pragma unroll
    for (int j = 0; j < kOwnScores; ++j) {
      const int at = thread_x() + j * kSide;
      through_softmax(scores[i][j], slopes[i][j], walked.log2_sum[at], walked.delta[at]);
      if (tile.position[i] > walked.position[at]) scores[i][j] = slopes[i][j] = 0.0F;
    }
}

template <int kWidth, class T>
__global__ void __launch_bounds__(kTileThreads, kBlocksTogether)
    grad_of_keys(TileQueue tiles, Operands<T> in, Upstream<T> up, GradView<T> grad_k, GradView<T> grad_v) {
  using Shape = TileShape<kWidth>;
  const KeyTile<Shape> tile(in.keys, take_tile(tiles));
  if (tile.count <= 0) return;
  float* const own_k = cuda::dynamic_shared<float>();
  float* const own_v = own_k + Shape::kOwnFloats;
  const QueryWalk<kWidth, T> walk(in, up, tile.sequence, own_v + Shape::kOwnFloats);
  float *const weights = walk.end(), *const slope_weights = weights + Shape::kWeightFloats;
  load_tile<kWidth>(in.key_head(in.k, tile.members, tile.head), tile.first, tile.count, Shape::kRows, 1.0F, own_k);
  load_tile<kWidth>(in.key_head(in.v, tile.members, tile.head), tile.first, tile.count, Shape::kRows, 1.0F, own_v);
  OwnSums<kWidth> sums_k{}, sums_v{};
  const std::int64_t blind = walk.members.before(tile.members.position(tile.first));
  for (std::int64_t head = tile.head * in.group; head < (tile.head + 1) * in.group; ++head)
    for (std::int64_t query = blind; query < walk.members.count; query += kWalked) {
      walk.load(head, query);
      float scores[Shape::kOwnRows][kOwnScores], slopes[Shape::kOwnRows][kOwnScores];
      scores_of<kWidth>(own_k, walk.queries, in.width, scores);
      scores_of<kWidth>(own_v, walk.grads, in.width, slopes);
      through_softmax<kWidth>(tile, scores, slopes);
      store_weights<kWidth>(scores, weights);
      store_weights<kWidth>(slopes, slope_weights);
      __syncwarp();
      add_product(weights, walk.grads, sums_v);
      add_product(slope_weights, walk.queries, sums_k);
    }
#pragma unroll
  for (int i = 0; i < Shape::kOwnRows; ++i) {
    if (Shape::own_row(i) >= tile.count) continue;
    const std::int64_t row = tile.first + Shape::own_row(i);
    if (grad_k.wanted())
      put_row(sums_k, i, kLn2, grad_k.mode, in.key_head(grad_k.to.data, tile.members, tile.head), row);
    if (grad_v.wanted())
      put_row(sums_v, i, 1.0F, grad_v.mode, in.key_head(grad_v.to.data, tile.members, tile.head), row);
  }
}

}  // namespace isobath::flash
