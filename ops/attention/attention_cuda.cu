// Forward, in f32 here and in bf16 by mma/attend.cuh: a block owns a tile of queries and walks over the keys they see.
// Softmax is the online one: sums are scaled down when a row meets a greater score.

#include "ops/attention/cuda/query_tile.cuh"
#include "ops/attention/mma/attend.cuh"

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

template <int kWidth, class T>
__global__ void __launch_bounds__(kTileThreads, kBlocksTogether)
    attend(TileQueue tiles, Operands<T> in, T* out, float* log2_sum, std::int64_t rows) {
  using Shape = TileShape<kWidth>;
  const QueryTile<Shape, T> tile(in, take_tile(tiles));
  if (tile.count <= 0) return;
  float* const own = cuda::dynamic_shared<float>();
  const KeyWalk<kWidth, T> walk(in, tile, own + Shape::kOwnFloats);
  float* const weights = walk.end();
  load_tile<kWidth>(tile.rows_of(in.q), tile.first, tile.count, Shape::kRows, kLog2E * in.scale, own);
  OwnSums<kWidth> sums{};
  Softmax<kWidth> softmax;
  for (std::int64_t key = 0; key < walk.seen; key += kWalked) {
    walk.load(key);
    float scores[Shape::kOwnRows][kOwnScores];
    scores_of<kWidth>(own, walk.keys, in.width, scores);
#pragma unroll
    for (int i = 0; i < Shape::kOwnRows; ++i)
#pragma unroll
      for (int j = 0; j < kOwnScores; ++j)
        if (!walk.sees(tile.position[i], j)) scores[i][j] = -INFINITY;
    softmax.take(scores, sums);
    store_weights<kWidth>(scores, weights);
    __syncwarp();
    add_product(weights, walk.values, sums);
  }
  tile.for_own_rows([&](int i, std::int64_t row) {
    const bool sees = walk.seen > 0 && walk.members.position(0) <= tile.position[i];
    put_row(sums, i, sees ? 1.0F / softmax.sum[i] : 0.0F, Accumulate::Overwrite, tile.rows_of(out), row);
    if (log2_sum != nullptr && thread_x() == 0)
      log2_sum[tile.head * rows + tile.members.begin + row] = sees ? softmax.largest[i] + log2f(softmax.sum[i]) : 0.0F;
  });
}

}  // namespace
}  // namespace flash

namespace kernel {

template <>
void attention(CudaQueue queue, const AttentionInputs<float>& in, View<float> out, View<float> log2_sum) {
  if (out.count() == 0) return;
  const auto operands = flash::operands_of(in);
  flash::with_width(in.head_width(), [&](auto width) {
    const flash::TilePlan plan(queue, flash::Side::Queries, {in.queries, in.keys}, in.q.rows(), in.heads,
                               flash::TileShape<width()>::kRows);
    cuda::launch("attention", &flash::attend<width(), float>,
                 plan.shape(flash::kTileThreads, flash::tile_bytes<width()>(1, 2, 1)), queue, plan.queue(), operands,
                 out.data, log2_sum.data, in.q.rows());
  });
}

template <>
void attention(CudaQueue queue, const AttentionInputs<bfloat16>& in, View<bfloat16> out, View<float> log2_sum) {
  if (out.count() == 0) return;
  const auto operands = flash::operands_of(in);
  flash::with_width(in.head_width(), [&](auto width) {
    const flash::TilePlan plan(queue, flash::Side::Queries, {in.queries, in.keys}, in.q.rows(), in.heads,
                               flash::mma::MmaShape::kRows);
    cuda::launch("attention", &flash::mma::attend<width()>,
                 plan.shape(flash::mma::kThreads, flash::mma::kForwardBytes<width()>), queue, plan.queue(), operands,
                 out.data, log2_sum.data, in.q.rows());
  });
}

}  // namespace kernel
}  // namespace isobath
