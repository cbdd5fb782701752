#include "ops/rms_norm/rms_norm.hpp"

namespace isobath {
namespace {

struct Saved {
  Tensor x, gain, scale;
};

/// The groups of a tensor as rows.
template <class T>
View<T> groups(const Tensor& tensor, std::int64_t width) {
  if (!tensor.defined()) return {};
  return {tensor.view<T>().data, Shape{tensor.count() / width, width}};
}

void backward_of(const Saved& saved, const Tensor& grad_out, const InputGrads& inputs) {
  const std::int64_t width = saved.gain.count();
  const GradTarget to_x = wanted_target(inputs, 0), to_gain = wanted_target(inputs, 1);
  const std::int64_t blocks = to_gain.tensor.defined() ? rms_norm_blocks(saved.scale.count()) : 0;
  const Tensor partial = Tensor::empty(Shape{blocks, width}, DType::F32, grad_out.device());
  on_cpu_queue_of(grad_out.device(), "rms_norm", [&](auto queue) {
    on_float_type(grad_out.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::rms_norm_backward<T>(queue, groups<const T>(grad_out, width), groups<const T>(saved.x, width),
                                   saved.gain.view<const float>(), saved.scale.view<const float>(),
                                   partial.view<float>(),
                                   {{groups<T>(to_x.tensor, width), to_x.mode}, grad_view<float>(to_gain)});
    });
  });
}

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& gain) {
  require(x.shape().rank() == 2 && gain.shape().rank() == 1 && gain.count() > 0 && x.dim(1) % gain.count() == 0 &&
              gain.dtype() == DType::F32 && gain.device() == x.device(),
          "rms_norm: x ", x.shape(), ' ', name_of(x.dtype()), " on ", x.device(), ", gain ", gain.shape(), ' ',
          name_of(gain.dtype()), " on ", gain.device());
  const std::int64_t width = gain.count();
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
  const Tensor scale = Tensor::empty(Shape{x.count() / width}, DType::F32, x.device());
  on_cpu_queue_of(x.device(), "rms_norm", [&](auto queue) {
    on_float_type(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::rms_norm<T>(queue, groups<const T>(x, width), gain.view<const float>(), groups<T>(out, width),
                          scale.view<float>());
    });
  });
  record("rms_norm", {&x, &gain}, out,
         [saved = Saved{x.detached(), gain.detached(), scale}](const Tensor& grad_out, const InputGrads& inputs) {
           backward_of(saved, grad_out, inputs);
         });
  return out;
}

}  // namespace isobath
