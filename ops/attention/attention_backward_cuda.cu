// Backward in two kernels that recompute the scores, so that every gradient has one owner and no sum depends on the
// schedule. Delta, the product <out, grad_out> of a row, is recomputed too: it costs less than a tile of scores.

#include "ops/attention/cuda/grad_of_keys.cuh"
#include "ops/attention/cuda/grad_of_queries.cuh"

namespace isobath::kernel {

template <class T>
void attention_backward(CudaQueue queue, const AttentionInputs<T>& in, View<const T> out, View<const float> log2_sum,
                        View<const T> grad_out, AttentionGrads<T> grads) {
  const auto operands = flash::operands_of(in, out.data, grad_out.data);
  const flash::Upstream<T> up{out.data, grad_out.data, log2_sum.data, in.q.rows()};
  flash::with_width(in.head_width(), [&](auto width) {
    constexpr int kRows = flash::TileShape<width()>::kRows;
    if (grads.q.wanted() && in.q.count() != 0) {
      const flash::TilePlan plan(queue, flash::Side::Queries, {in.queries, in.keys}, in.q.rows(), in.heads, kRows);
      cuda::launch("attention_backward", &flash::grad_of_queries<width(), T>,
                   plan.shape(flash::tile_bytes<width()>(2, 2, 1)), queue, plan.queue(), operands, up, grads.q.to.data,
                   grads.q.mode);
    }
    if ((grads.k.wanted() || grads.v.wanted()) && in.k.count() != 0) {
      const flash::TilePlan plan(queue, flash::Side::Keys, {in.queries, in.keys}, in.k.rows(), in.kv_heads(), kRows);
      cuda::launch("attention_backward", &flash::grad_of_keys<width(), T>,
                   plan.shape(flash::tile_bytes<width()>(2, 2, 2)), queue, plan.queue(), operands, up, grads.k,
                   grads.v);
    }
  });
}

template void attention_backward<float>(CudaQueue, const AttentionInputs<float>&, View<const float>, View<const float>,
                                        View<const float>, AttentionGrads<float>);
template void attention_backward<bfloat16>(CudaQueue, const AttentionInputs<bfloat16>&, View<const bfloat16>,
                                           View<const float>, View<const bfloat16>, AttentionGrads<bfloat16>);

}  // namespace isobath::kernel
