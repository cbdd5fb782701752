// In the place of cuDNN: its contract for attention as ops/sdpa uses it, by kernels that are as plain as can be, one
// thread for each row of a head. Probabilities meet the values in f32, and results are rounded once.

#include "ops/sdpa/sdpa.hpp"

#include <cmath>

#include "ops/core/cuda/launch.hpp"

namespace isobath {
namespace kernel {
namespace {

constexpr int kMostWidth = 128;

/// One row of one head among B x heads x T, as a thread finds it.
struct Row {
  std::int64_t batch, head, position;
};

__device__ bool find_row(const SdpaExtents& e, std::int64_t heads, Row& row) {
  const std::int64_t index = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  row = {index / (heads * e.length), index / e.length % heads, index % e.length};
  return row.batch < e.batch;
}

__device__ std::int64_t offset(const SdpaExtents& e, std::int64_t heads, const Row& row) {
  return ((row.batch * e.length + row.position) * heads + row.head) * e.width;
}

__device__ float dot(const SdpaExtents& e, const bfloat16* a, const bfloat16* b) {
  float sum = 0.0F;
  for (std::int64_t d = 0; d < e.width; ++d) sum += float(a[d]) * float(b[d]);
  return sum;
}

__device__ float scale_of(const SdpaExtents& e) { return 1.0F / std::sqrt(float(e.width)); }

/// The rows of a query and of a key of its head, and where the key lies.
struct Pair {
  std::int64_t query, key;  // offsets
};

__device__ Pair pair_of(const SdpaExtents& e, const Row& query, std::int64_t key) {
  const Row row{query.batch, query.head / (e.heads / e.key_heads), key};
  return {offset(e, e.heads, query), offset(e, e.key_heads, row)};
}

__device__ void add(const SdpaExtents& e, float factor, const bfloat16* row, float* sums) {
  for (std::int64_t d = 0; d < e.width; ++d) sums[d] += factor * float(row[d]);
}

__device__ void put(const SdpaExtents& e, const float* sums, bfloat16* to) {
  for (std::int64_t d = 0; d < e.width; ++d) to[d] = bfloat16(sums[d]);
}

__global__ void forward(SdpaExtents e, SdpaInputs in, bfloat16* out, float* log_sum) {
  Row query;
  if (!find_row(e, e.heads, query)) return;
  float largest = -INFINITY, sum = 0.0F;
  const auto score = [&](std::int64_t key) {
    const Pair at = pair_of(e, query, key);
    return scale_of(e) * dot(e, in.q + at.query, in.k + at.key);
  };
  for (std::int64_t key = 0; key <= query.position; ++key) largest = std::fmax(largest, score(key));
  for (std::int64_t key = 0; key <= query.position; ++key) sum += std::exp(score(key) - largest);
  const float total = largest + std::log(sum);
  log_sum[(query.batch * e.heads + query.head) * e.length + query.position] = total;
  float mixed[kMostWidth] = {};
  for (std::int64_t key = 0; key <= query.position; ++key) {
    const float probability = std::exp(score(key) - total);
    add(e, probability, in.v + pair_of(e, query, key).key, mixed);
  }
  put(e, mixed, out + offset(e, e.heads, query));
}

struct Upstream {
  SdpaResult result;
  const bfloat16* grad_out;
};

/// Probability of a pair, and gradient of its scaled score.
struct Slope {
  float probability, score;
};

__device__ Slope slope_of(const SdpaExtents& e, const SdpaInputs& in, const Upstream& up, const Row& query,
                          std::int64_t key) {
  const Pair at = pair_of(e, query, key);
  const float log_sum = up.result.log_sum[(query.batch * e.heads + query.head) * e.length + query.position];
  const float probability = std::exp(scale_of(e) * dot(e, in.q + at.query, in.k + at.key) - log_sum);
  const float delta = dot(e, up.grad_out + at.query, up.result.out + at.query);
  return {probability, scale_of(e) * probability * (dot(e, up.grad_out + at.query, in.v + at.key) - delta)};
}

__global__ void grad_of_query(SdpaExtents e, SdpaInputs in, Upstream up, bfloat16* grad) {
  Row query;
  if (!find_row(e, e.heads, query)) return;
  float sums[kMostWidth] = {};
  for (std::int64_t key = 0; key <= query.position; ++key)
    add(e, slope_of(e, in, up, query, key).score, in.k + pair_of(e, query, key).key, sums);
  put(e, sums, grad + offset(e, e.heads, query));
}

__global__ void grads_of_key(SdpaExtents e, SdpaInputs in, Upstream up, bfloat16* grad_k, bfloat16* grad_v) {
  Row key;
  if (!find_row(e, e.key_heads, key)) return;
  const std::int64_t group = e.heads / e.key_heads;
  float sums_k[kMostWidth] = {}, sums_v[kMostWidth] = {};
  for (std::int64_t head = key.head * group; head < (key.head + 1) * group; ++head)
    for (std::int64_t position = key.position; position < e.length; ++position) {
      const Row query{key.batch, head, position};
      const Slope slope = slope_of(e, in, up, query, key.position);
      add(e, slope.score, in.q + offset(e, e.heads, query), sums_k);
      add(e, slope.probability, up.grad_out + offset(e, e.heads, query), sums_v);
    }
  put(e, sums_k, grad_k + offset(e, e.key_heads, key));
  put(e, sums_v, grad_v + offset(e, e.key_heads, key));
}

cuda::LaunchShape threads_for(const SdpaExtents& e, std::int64_t heads) {
  constexpr unsigned kThreads = 64;
  return {dim3(cuda::blocks_for(e.batch * heads * e.length, kThreads)), dim3(kThreads)};
}

}  // namespace

void sdpa(CudaQueue queue, const SdpaExtents& e, const SdpaInputs& in, bfloat16* out, float* log_sum) {
  cuda::launch("sdpa", &forward, threads_for(e, e.heads), queue, e, in, out, log_sum);
}

void sdpa_backward(CudaQueue queue, const SdpaExtents& e, const SdpaInputs& in, const SdpaResult& result,
                   const bfloat16* grad_out, const SdpaGrads& grads) {
  const Upstream up{result, grad_out};
  cuda::launch("sdpa_backward", &grad_of_query, threads_for(e, e.heads), queue, e, in, up, grads.q);
  cuda::launch("sdpa_backward", &grads_of_key, threads_for(e, e.key_heads), queue, e, in, up, grads.k, grads.v);
}

}  // namespace kernel

bool has_cudnn() { return true; }
std::string cudnn_version() { return "0.0.0, a stand-in"; }

}  // namespace isobath
