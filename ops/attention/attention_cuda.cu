// Forward: a block owns a tile of queries and walks over the keys they see. Softmax is the online one: sums are scaled
// down when a row meets a greater score.

#include "ops/attention/operands.cuh"

namespace isobath {
namespace flash {
namespace {

/// What thread (y, x) knows of its rows; the sixteen threads of a row know the same.
template <int kWidth>
struct Softmax {
  static constexpr int kOwnRows = TileShape<kWidth>::kOwnRows;
  float largest[kOwnRows], sum[kOwnRows];

  __device__ __forceinline__ Softmax() {
#pragma unroll
    for (int i = 0; i < kOwnRows; ++i) {
      largest[i] = -INFINITY;
      sum[i] = 0.0F;
    }
  }

  /// Scores, in units of log 2, become terms of this tile; earlier sums shrink to its maximum.
  __device__ __forceinline__ void take(float (&scores)[kOwnRows][kOwnScores], OwnSums<kWidth>& out) {
#pragma unroll
    for (int i = 0; i < kOwnRows; ++i) {
      float top = largest[i];
#pragma unroll
      for (int j = 0; j < kOwnScores; ++j) top = fmaxf(top, scores[i][j]);
      top = row_largest(top);
      const float base = top == -INFINITY ? 0.0F : top;  // -infinity is no number to subtract from itself
      const float shrink = exp2f(largest[i] - base);
      float total = 0.0F;
#pragma unroll
      for (int j = 0; j < kOwnScores; ++j) total += scores[i][j] = exp2f(scores[i][j] - base);
      largest[i] = top;
      sum[i] = fmaf(sum[i], shrink, row_total(total));
#pragma unroll
      for (int p = 0; p < TileShape<kWidth>::kPacks; ++p)
#pragma unroll
        for (int e = 0; e < 4; ++e) out.packs[i][p].values[e] *= shrink;
    }
  }
};

struct KeyTile {
  std::int32_t position[kWalked];
};

template <int kWidth, class T>
__global__ void __launch_bounds__(kTileThreads, kBlocksTogether)
    attend(Operands<T> in, T* out, float* log2_sum, std::int64_t rows) {
  using Shape = TileShape<kWidth>;
  const std::int64_t sequence = blockIdx.z, head = blockIdx.y;
  const Members queries(in.queries, sequence), keys(in.keys, sequence);
  // The last tile sees most keys, and begins first.
  const std::int64_t first = static_cast<std::int64_t>(gridDim.x - 1 - blockIdx.x) * Shape::kRows;
  if (first >= queries.count) return;
  float* const own = cuda::dynamic_shared<float>();
  float *const key_tile = own + Shape::kOwnFloats, *const value_tile = key_tile + Shape::kWalkedFloats,
               *const weights = value_tile + Shape::kWalkedFloats;
  auto& shared = cuda::block_shared<KeyTile>();
  const auto key_rows = in.key_head(in.k, keys, head / in.group), value_rows = in.key_head(in.v, keys, head / in.group);

  const std::int64_t count = queries.count - first < Shape::kRows ? queries.count - first : Shape::kRows;
  load_tile<kWidth>(in.query_head(in.q, queries, head), first, count, Shape::kRows, kLog2E * in.scale, own);
  std::int32_t position[Shape::kOwnRows];
#pragma unroll
  for (int i = 0; i < Shape::kOwnRows; ++i) {
    const int row = thread_y() * Shape::kOwnRows + i;
    position[i] = row < count ? queries.position(first + row) : -1;
  }
  OwnSums<kWidth> sums{};
  Softmax<kWidth> softmax;
  const std::int64_t seen = keys.through(queries.position(first + count - 1));
  for (std::int64_t key = 0; key < seen; key += kWalked) {
    __syncthreads();  // the tile before has been read
    load_tile<kWidth>(key_rows, key, seen - key, kWalked, 1.0F, key_tile);
    load_tile<kWidth>(value_rows, key, seen - key, kWalked, 1.0F, value_tile);
    if (threadIdx.x < kWalked)
      shared.position[threadIdx.x] = key + threadIdx.x < seen ? keys.position(key + threadIdx.x) : INT32_MAX;
    __syncthreads();
    float scores[Shape::kOwnRows][kOwnScores];
    scores_of<kWidth>(own, key_tile, in.width, scores);
#pragma unroll
    for (int i = 0; i < Shape::kOwnRows; ++i)
#pragma unroll
      for (int j = 0; j < kOwnScores; ++j)
        if (shared.position[thread_x() + j * kSide] > position[i]) scores[i][j] = -INFINITY;
    softmax.take(scores, sums);
    store_weights<kWidth>(scores, weights);
    __syncwarp();
    add_product(weights, value_tile, sums);
  }
  const auto to = in.query_head(out, queries, head);
#pragma unroll
  for (int i = 0; i < Shape::kOwnRows; ++i) {
    const std::int64_t row = first + thread_y() * Shape::kOwnRows + i;
    if (row >= queries.count) continue;
    const bool sees = seen > 0 && keys.position(0) <= position[i];
    put_row(sums, i, sees ? 1.0F / softmax.sum[i] : 0.0F, Accumulate::Overwrite, to, row);
    if (log2_sum != nullptr && thread_x() == 0)
      log2_sum[head * rows + queries.begin + row] = sees ? softmax.largest[i] + log2f(softmax.sum[i]) : 0.0F;
  }
}

}  // namespace
}  // namespace flash

namespace kernel {

template <class T>
void attention(CudaQueue queue, const AttentionInputs<T>& in, View<T> out, View<float> log2_sum) {
  if (out.count() == 0) return;
  const auto operands = flash::operands_of(in);
  flash::with_width(in.head_width(), [&](auto width) {
    cuda::launch("attention", &flash::attend<width(), T>,
                 flash::a_block_per_tile(in.queries, in.q.rows(), in.heads, flash::TileShape<width()>::kRows,
                                         flash::tile_bytes<width()>(1, 2, 1)),
                 queue, operands, out.data, log2_sum.data, in.q.rows());
  });
}

template void attention<float>(CudaQueue, const AttentionInputs<float>&, View<float>, View<float>);
template void attention<bfloat16>(CudaQueue, const AttentionInputs<bfloat16>&, View<bfloat16>, View<float>);

}  // namespace kernel
}  // namespace isobath
