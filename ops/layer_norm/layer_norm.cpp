#include "ops/layer_norm/layer_norm.hpp"

namespace isobath {
namespace {

struct SavedLayerNorm {
  Tensor x, gain, mean, rstd;
};

void backward_of(const SavedLayerNorm& saved, const Tensor& grad_out, const InputGrads& inputs) {
  const Shape& shape = saved.x.shape();
  const GradTarget to_x = wanted_target(inputs, 0), to_gain = wanted_target(inputs, 1),
                   to_shift = wanted_target(inputs, 2);
  count_bytes("layer_norm", grad_out.bytes() + (to_x.mode == Accumulate::Add ? 3 : 2) * saved.x.bytes());
  const bool wants_sums = to_gain.tensor.defined() || to_shift.tensor.defined();
  const Tensor partial = Tensor::empty(wants_sums ? Shape{layer_norm_blocks(shape[0]), 2, shape[1]} : Shape{0},
                                       DType::F32, grad_out.device());
  on_queue_of(grad_out.device(), "layer_norm", [&](auto queue) {
    on_wide_and_narrow(saved.x.dtype(), grad_out.dtype(), [&](auto tag, auto out_tag) {
      using T = typename decltype(tag)::type;
      using Out = typename decltype(out_tag)::type;
      kernel::layer_norm_backward<T>(queue, grad_out.view<const Out>(), saved.x.view<const T>(),
                                     saved.gain.view<const float>(), saved.mean.view<const float>(),
                                     saved.rstd.view<const float>(), partial.view<float>(),
                                     {grad_view<T>(to_x), grad_view<float>(to_gain), grad_view<float>(to_shift)});
    });
  });
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& gain, const Tensor& shift) {
  return layer_norm(x, gain, shift, x.dtype());
}

Tensor layer_norm(const Tensor& x, const Tensor& gain, const Tensor& shift, DType out_type) {
  require(x.shape().rank() == 2 && gain.shape() == Shape{x.dim(1)} && shift.shape() == gain.shape() &&
              gain.dtype() == DType::F32 && shift.dtype() == DType::F32 && gain.device() == x.device() &&
              shift.device() == x.device(),
          "layer_norm: x ", x.shape(), ' ', name_of(x.dtype()), " on ", x.device(), ", gain ", gain.shape(), ' ',
          name_of(gain.dtype()), ", shift ", shift.shape(), ' ', name_of(shift.dtype()));
  Tensor out = Tensor::empty(x.shape(), out_type, x.device());
  count_bytes("layer_norm", x.bytes() + out.bytes());
  const Tensor mean = Tensor::empty(Shape{x.dim(0)}, DType::F32, x.device());
  const Tensor rstd = Tensor::empty(Shape{x.dim(0)}, DType::F32, x.device());
  on_queue_of(x.device(), "layer_norm", [&](auto queue) {
    on_wide_and_narrow(x.dtype(), out_type, [&](auto tag, auto out_tag) {
      using T = typename decltype(tag)::type;
      using Out = typename decltype(out_tag)::type;
      kernel::layer_norm<T>(queue, x.view<const T>(), gain.view<const float>(), shift.view<const float>(),
                            out.view<Out>(), mean.view<float>(), rstd.view<float>());
    });
  });
  record("layer_norm", {&x, &gain, &shift}, out,
         [saved = SavedLayerNorm{x, gain, mean, rstd}](const Tensor& grad_out, const InputGrads& inputs) {
           backward_of(saved, grad_out, inputs);
         });
  return out;
}

}  // namespace isobath
