// Backward in two kernels that recompute the scores, so that every gradient has one owner and no sum depends on the
// schedule. Delta, the product <out, grad_out> of a row, is recomputed too: it costs less than a tile of scores. In
// bf16 tensor cores multiply, as far as registers hold the sums.

#include <type_traits>

#include "ops/attention/cuda/grad_of_keys.cuh"
#include "ops/attention/cuda/grad_of_queries.cuh"
#include "ops/attention/mma/grad_of_keys.cuh"
#include "ops/attention/mma/grad_of_queries.cuh"

namespace isobath {
namespace flash {
namespace {

template <int kWidth, class T>
inline constexpr bool kOnTensorCores = std::is_same_v<T, bfloat16>&& kWidth <= mma::kMaxBackwardWidth;

/// The kernels for heads of up to kWidth columns, with the rows and the threads of their blocks.
template <int kWidth, class T, bool kMma = kOnTensorCores<kWidth, T>>
struct Kernels {
  static constexpr int kRows = TileShape<kWidth>::kRows, kThreads = kTileThreads;
  static constexpr std::size_t kQueryBytes = tile_bytes<kWidth>(2, 2, 1), kKeyBytes = tile_bytes<kWidth>(2, 2, 2);
  static auto of_queries() { return &grad_of_queries<kWidth, T>; }
  static auto of_keys() { return &grad_of_keys<kWidth, T>; }
};

template <int kWidth, class T>
struct Kernels<kWidth, T, true> {
  static constexpr int kRows = mma::MmaShape::kRows, kThreads = mma::kThreads;
  static constexpr std::size_t kQueryBytes = mma::kGradOfQueriesBytes<kWidth>,
                               kKeyBytes = mma::kGradOfKeysBytes<kWidth>;
  static auto of_queries() { return &mma::grad_of_queries<kWidth>; }
  static auto of_keys() { return &mma::grad_of_keys<kWidth>; }
};

}  // namespace
}  // namespace flash

namespace kernel {

template <class T>
void attention_backward(CudaQueue queue, const AttentionInputs<T>& in, View<const T> out, View<const float> log2_sum,
                        View<const T> grad_out, AttentionGrads<T> grads) {
  const auto operands = flash::operands_of(in, out.data, grad_out.data);
  const flash::Upstream<T> up{out.data, grad_out.data, log2_sum.data, in.q.rows()};
  flash::with_width(in.head_width(), [&](auto width) {
    using Kernels = flash::Kernels<width(), T>;
    const auto plan_of = [&](flash::Side side, std::int64_t members, std::int64_t heads) {
      return flash::TilePlan(queue, side, {in.queries, in.keys}, members, heads, Kernels::kRows);
    };
    if (grads.q.wanted() && in.q.count() != 0) {
      const flash::TilePlan plan = plan_of(flash::Side::Queries, in.q.rows(), in.heads);
      cuda::launch("attention_backward", Kernels::of_queries(), plan.shape(Kernels::kThreads, Kernels::kQueryBytes),
                   queue, plan.queue(), operands, up, grads.q.to.data, grads.q.mode);
    }
    if ((grads.k.wanted() || grads.v.wanted()) && in.k.count() != 0) {
      const flash::TilePlan plan = plan_of(flash::Side::Keys, in.k.rows(), in.kv_heads());
      cuda::launch("attention_backward", Kernels::of_keys(), plan.shape(Kernels::kThreads, Kernels::kKeyBytes), queue,
                   plan.queue(), operands, up, grads.k, grads.v);
    }
  });
}

template void attention_backward<float>(CudaQueue, const AttentionInputs<float>&, View<const float>, View<const float>,
                                        View<const float>, AttentionGrads<float>);
template void attention_backward<bfloat16>(CudaQueue, const AttentionInputs<bfloat16>&, View<const bfloat16>,
                                           View<const float>, View<const bfloat16>, AttentionGrads<bfloat16>);

}  // namespace kernel
}  // namespace isobath
