// Backward in two kernels that recompute the scores, so that every gradient has one owner: tiles of queries walk over
// the keys they see, tiles of keys over the queries that see them, head after head of their group. Delta, the product
// <out, grad_out> of a row, is recomputed too: it costs less than a tile of scores.

#include "ops/attention/operands.cuh"

namespace isobath {
namespace flash {
namespace {

/// What backward reads besides the inputs. [Q, heads * D] both; log2_sum [heads, rows].
template <class T>
struct Upstream {
  const T *out, *grad_out;
  const float* log2_sum;
  std::int64_t rows;
};

// <a, b> of rows of a head by kLanes neighbouring threads, of which the caller is number `lane`; all of them get it.
template <int kLanes, class T>
__device__ __forceinline__ float dot_of_rows(const T* a, const T* b, int width, int lane) {
  float sum = 0.0F;
  for (int d = lane; d < width; d += kLanes) sum = fmaf(static_cast<float>(a[d]), static_cast<float>(b[d]), sum);
#pragma unroll
  for (int distance = kLanes / 2; distance > 0; distance /= 2) sum += __shfl_xor_sync(cuda::kAllLanes, sum, distance);
  return sum;
}

/// Of the rows of a walked tile.
struct WalkedRows {
  std::int32_t position[kWalked];
  float log2_sum[kWalked], delta[kWalked];  // of queries
};

// scores become probabilities, and slopes, the gradients of these, those of the scores.
__device__ __forceinline__ void through_softmax(float& score, float& slope, float log2_sum, float delta) {
  score = exp2f(score - log2_sum);
  slope = score * (slope - delta);
}

template <int kWidth, class T>
__global__ void __launch_bounds__(kTileThreads, kBlocksTogether)
    grad_of_queries(Operands<T> in, Upstream<T> up, T* grad_q, Accumulate mode) {
  using Shape = TileShape<kWidth>;
  const std::int64_t sequence = blockIdx.z, head = blockIdx.y;
  const Members queries(in.queries, sequence), keys(in.keys, sequence);
  // The last tile sees most keys, and begins first.
  const std::int64_t first = static_cast<std::int64_t>(gridDim.x - 1 - blockIdx.x) * Shape::kRows;
  if (first >= queries.count) return;
  const std::int64_t count = queries.count - first < Shape::kRows ? queries.count - first : Shape::kRows;
  float* const own_q = cuda::dynamic_shared<float>();
  float *const own_grad = own_q + Shape::kOwnFloats, *const key_tile = own_grad + Shape::kOwnFloats,
               *const value_tile = key_tile + Shape::kWalkedFloats, *const weights = value_tile + Shape::kWalkedFloats;
  auto& walked = cuda::block_shared<WalkedRows>();
  const auto out = in.query_head(up.out, queries, head), grad_out = in.query_head(up.grad_out, queries, head);
  const auto key_rows = in.key_head(in.k, keys, head / in.group), value_rows = in.key_head(in.v, keys, head / in.group);
  load_tile<kWidth>(in.query_head(in.q, queries, head), first, count, Shape::kRows, kLog2E * in.scale, own_q);
  load_tile<kWidth>(grad_out, first, count, Shape::kRows, 1.0F, own_grad);

  std::int32_t position[Shape::kOwnRows];
  float log2_sum[Shape::kOwnRows], delta[Shape::kOwnRows];
#pragma unroll
  for (int i = 0; i < Shape::kOwnRows; ++i) {
    const int own = thread_y() * Shape::kOwnRows + i;
    const std::int64_t row = first + (own < count ? own : 0);  // a row that is there, for threads meet in the product
    position[i] = own < count ? queries.position(row) : -1;
    log2_sum[i] = up.log2_sum[head * up.rows + queries.begin + row];
    delta[i] = dot_of_rows<kSide>(out.row(row), grad_out.row(row), in.width, thread_x());
  }
  OwnSums<kWidth> sums{};
  const std::int64_t seen = keys.through(queries.position(first + count - 1));
  for (std::int64_t key = 0; key < seen; key += kWalked) {
    __syncthreads();  // the tile before has been read
    load_tile<kWidth>(key_rows, key, seen - key, kWalked, 1.0F, key_tile);
    load_tile<kWidth>(value_rows, key, seen - key, kWalked, 1.0F, value_tile);
    if (threadIdx.x < kWalked)
      walked.position[threadIdx.x] = key + threadIdx.x < seen ? keys.position(key + threadIdx.x) : INT32_MAX;
    __syncthreads();
    float scores[Shape::kOwnRows][kOwnScores], slopes[Shape::kOwnRows][kOwnScores];
    scores_of<kWidth>(own_q, key_tile, in.width, scores);
    scores_of<kWidth>(own_grad, value_tile, in.width, slopes);
#pragma unroll
    for (int i = 0; i < Shape::kOwnRows; ++i)
#pragma unroll
      for (int j = 0; j < kOwnScores; ++j) {
        through_softmax(scores[i][j], slopes[i][j], log2_sum[i], delta[i]);
        if (walked.position[thread_x() + j * kSide] > position[i]) slopes[i][j] = 0.0F;
      }
    store_weights<kWidth>(slopes, weights);
    __syncwarp();
    add_product(weights, key_tile, sums);
  }
  const auto to = in.query_head(grad_q, queries, head);
#pragma unroll
  for (int i = 0; i < Shape::kOwnRows; ++i) {
    const std::int64_t row = first + thread_y() * Shape::kOwnRows + i;
    if (row < queries.count) put_row(sums, i, in.scale, mode, to, row);
  }
}

template <int kWidth, class T>
__global__ void __launch_bounds__(kTileThreads, kBlocksTogether)
    grad_of_keys(Operands<T> in, Upstream<T> up, GradView<T> grad_k, GradView<T> grad_v) {
  using Shape = TileShape<kWidth>;
  const std::int64_t sequence = blockIdx.z, key_head = blockIdx.y;
  const Members queries(in.queries, sequence), keys(in.keys, sequence);
  // The first tile is seen by most queries, and begins first.
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * Shape::kRows;
  if (first >= keys.count) return;
  const std::int64_t count = keys.count - first < Shape::kRows ? keys.count - first : Shape::kRows;
  float* const own_k = cuda::dynamic_shared<float>();
  float *const own_v = own_k + Shape::kOwnFloats, *const query_tile = own_v + Shape::kOwnFloats,
               *const grad_tile = query_tile + Shape::kWalkedFloats, *const weights = grad_tile + Shape::kWalkedFloats,
               *const slope_weights = weights + Shape::kWeightFloats;
  auto& walked = cuda::block_shared<WalkedRows>();
  load_tile<kWidth>(in.key_head(in.k, keys, key_head), first, count, Shape::kRows, 1.0F, own_k);
  load_tile<kWidth>(in.key_head(in.v, keys, key_head), first, count, Shape::kRows, 1.0F, own_v);
  std::int32_t position[Shape::kOwnRows];
#pragma unroll
  for (int i = 0; i < Shape::kOwnRows; ++i) {
    const int row = thread_y() * Shape::kOwnRows + i;
    position[i] = row < count ? keys.position(first + row) : INT32_MAX;
  }
  OwnSums<kWidth> sums_k{}, sums_v{};
  const std::int64_t blind = queries.before(keys.position(first));
  for (std::int64_t head = key_head * in.group; head < (key_head + 1) * in.group; ++head) {
    const auto q = in.query_head(in.q, queries, head), out = in.query_head(up.out, queries, head),
               grad_out = in.query_head(up.grad_out, queries, head);
    for (std::int64_t query = blind; query < queries.count; query += kWalked) {
      const std::int64_t left = queries.count - query;
      __syncthreads();  // the tile before has been read
      load_tile<kWidth>(q, query, left, kWalked, kLog2E * in.scale, query_tile);
      load_tile<kWidth>(grad_out, query, left, kWalked, 1.0F, grad_tile);
      constexpr int kLanes = kTileThreads / kWalked;
      const int index = static_cast<int>(threadIdx.x) / kLanes, lane = static_cast<int>(threadIdx.x) % kLanes;
      const std::int64_t row = query + (index < left ? index : 0);
      const float delta = dot_of_rows<kLanes>(out.row(row), grad_out.row(row), in.width, lane);
      if (lane == 0) {
        walked.position[index] = index < left ? queries.position(row) : -1;
        walked.log2_sum[index] = up.log2_sum[head * up.rows + queries.begin + row];
        walked.delta[index] = delta;
      }
      __syncthreads();
      float scores[Shape::kOwnRows][kOwnScores], slopes[Shape::kOwnRows][kOwnScores];
      scores_of<kWidth>(own_k, query_tile, in.width, scores);
      scores_of<kWidth>(own_v, grad_tile, in.width, slopes);
#pragma unroll
      for (int i = 0; i < Shape::kOwnRows; ++i)
#pragma unroll
        for (int j = 0; j < kOwnScores; ++j) {
          const int at = thread_x() + j * kSide;
          through_softmax(scores[i][j], slopes[i][j], walked.log2_sum[at], walked.delta[at]);
          if (position[i] > walked.position[at]) scores[i][j] = slopes[i][j] = 0.0F;
        }
      store_weights<kWidth>(scores, weights);
      store_weights<kWidth>(slopes, slope_weights);
      __syncwarp();
      add_product(weights, grad_tile, sums_v);
      add_product(slope_weights, query_tile, sums_k);
    }
  }
#pragma unroll
  for (int i = 0; i < Shape::kOwnRows; ++i) {
    const std::int64_t row = first + thread_y() * Shape::kOwnRows + i;
    if (row >= keys.count) continue;
    if (grad_k.wanted()) put_row(sums_k, i, kLn2, grad_k.mode, in.key_head(grad_k.to.data, keys, key_head), row);
    if (grad_v.wanted()) put_row(sums_v, i, 1.0F, grad_v.mode, in.key_head(grad_v.to.data, keys, key_head), row);
  }
}

}  // namespace
}  // namespace flash

namespace kernel {

template <class T>
void attention_backward(CudaQueue queue, const AttentionInputs<T>& in, View<const T> out, View<const float> log2_sum,
                        View<const T> grad_out, AttentionGrads<T> grads) {
  const auto operands = flash::operands_of(in, out.data, grad_out.data);
  const flash::Upstream<T> up{out.data, grad_out.data, log2_sum.data, in.q.rows()};
  flash::with_width(in.head_width(), [&](auto width) {
    constexpr int kRows = flash::TileShape<width()>::kRows;
    if (grads.q.wanted() && in.q.count() != 0)
      cuda::launch(
          "attention_backward", &flash::grad_of_queries<width(), T>,
          flash::a_block_per_tile(in.queries, in.q.rows(), in.heads, kRows, flash::tile_bytes<width()>(2, 2, 1)), queue,
          operands, up, grads.q.to.data, grads.q.mode);
    if ((grads.k.wanted() || grads.v.wanted()) && in.k.count() != 0)
      cuda::launch(
          "attention_backward", &flash::grad_of_keys<width(), T>,
          flash::a_block_per_tile(in.keys, in.k.rows(), in.kv_heads(), kRows, flash::tile_bytes<width()>(2, 2, 2)),
          queue, operands, up, grads.k, grads.v);
  });
}

template void attention_backward<float>(CudaQueue, const AttentionInputs<float>&, View<const float>, View<const float>,
                                        View<const float>, AttentionGrads<float>);
template void attention_backward<bfloat16>(CudaQueue, const AttentionInputs<bfloat16>&, View<const bfloat16>,
                                           View<const float>, View<const bfloat16>, AttentionGrads<bfloat16>);

}  // namespace kernel
}  // namespace isobath
