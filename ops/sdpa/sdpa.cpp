#include "ops/sdpa/sdpa.hpp"

#include "ops/attention/visibility.hpp"
#include "ops/autograd/tape.hpp"

namespace isobath {
namespace {

using kernel::SdpaExtents;
using kernel::SdpaInputs;

SdpaExtents extents_of(const Tensor& q, const Tensor& k, const RowSet& rows, int heads) {
  const std::int64_t width = q.dim(1) / heads;
  return {rows.batch(), rows.length(), heads, k.dim(1) / width, width};
}

/// What one call knows, and what its backward pass needs of it.
struct Call {
  Tensor q, k, v, out, log_sum;
  SdpaExtents extents;
  std::int64_t product_flops;  // of one product over the visible pairs of all heads

  SdpaInputs inputs() const {
    return {q.view<const bfloat16>().data, k.view<const bfloat16>().data, v.view<const bfloat16>().data};
  }
};

Tensor empty_like(const Tensor& it) { return Tensor::empty(it.shape(), it.dtype(), it.device()); }

BackwardFn backward_of(const Call& call) {
  return [call](const Tensor& grad_out, const InputGrads& inputs) {
    const Tensor q = empty_like(call.q), k = empty_like(call.k), v = empty_like(call.v);
    {
      const OpScope scope("attention");
      kernel::sdpa_backward(current_cuda_queue(q.device()), call.extents, call.inputs(),
                            {call.out.view<const bfloat16>().data, call.log_sum.view<const float>().data},
                            grad_out.view<const bfloat16>().data,
                            {q.view<bfloat16>().data, k.view<bfloat16>().data, v.view<bfloat16>().data});
    }
    count_flops(4 * call.product_flops);  // cuDNN computes all gradients, wanted or not
    inputs.add(0, q);
    inputs.add(1, k);
    inputs.add(2, v);
  };
}

}  // namespace

bool sdpa_takes(const Tensor& q, const Tensor& k, const RowSet& queries, const RowSet& keys, int heads) {
  if (!q.device().is_cuda() || q.dtype() != DType::BF16 || !queries.is_all() || !keys.is_all()) return false;
  const std::int64_t width = extents_of(q, k, queries, heads).width;
  return queries.length() == keys.length() && queries.length() > 1 && queries.batch() > 0 && width % 8 == 0 &&
         width <= 128;
}

Tensor sdpa(const Tensor& q, const Tensor& k, const Tensor& v, const RowSet& rows, int heads) {
  require(sdpa_takes(q, k, rows, rows, heads), "sdpa: q ", q.shape(), ' ', name_of(q.dtype()), " on ", q.device());
  const SdpaExtents extents = extents_of(q, k, rows, heads);
  Tensor out = empty_like(q);
  const Tensor log_sum = Tensor::empty(Shape{extents.batch, heads, extents.length}, DType::F32, q.device());
  const Call call{q.detached(),
                  k.detached(),
                  v.detached(),
                  out.detached(),
                  log_sum,
                  extents,
                  2 * visible_pairs(rows, rows) * q.dim(1)};
  {
    const OpScope scope("attention");
    kernel::sdpa(current_cuda_queue(q.device()), extents, call.inputs(), out.view<bfloat16>().data,
                 log_sum.view<float>().data);
  }
  count_flops(2 * call.product_flops);
  if (needs_grad({&q, &k, &v})) record("attention", {&q, &k, &v}, out, backward_of(call));
  return out;
}

}  // namespace isobath
