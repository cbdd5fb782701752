#include "ops/rms_norm/rms_norm.hpp"

namespace isobath {
namespace {

struct SavedRmsNorm {
  Tensor x, gain, scale;
};

/// The groups of a tensor as rows.
template <class T>
View<T> groups(const Tensor& tensor, std::int64_t width) {
  if (!tensor.defined()) return {};
  return {tensor.view<T>().data, Shape{tensor.count() / width, width}};
}

void backward_of(const SavedRmsNorm& saved, const Tensor& grad_out, const InputGrads& inputs) {
  const std::int64_t width = saved.gain.count();
  const GradTarget to_x = wanted_target(inputs, 0), to_gain = wanted_target(inputs, 1);
  count_bytes("rms_norm", grad_out.bytes() + (to_x.mode == Accumulate::Add ? 3 : 2) * saved.x.bytes());
  const std::int64_t blocks = to_gain.tensor.defined() ? rms_norm_blocks(saved.scale.count()) : 0;
  const Tensor partial = Tensor::empty(Shape{blocks, width}, DType::F32, grad_out.device());
  on_queue_of(grad_out.device(), "rms_norm", [&](auto queue) {
    on_wide_and_narrow(saved.x.dtype(), grad_out.dtype(), [&](auto tag, auto out_tag) {
      using T = typename decltype(tag)::type;
      using Out = typename decltype(out_tag)::type;
      kernel::rms_norm_backward<T>(queue, groups<const Out>(grad_out, width), groups<const T>(saved.x, width),
                                   saved.gain.view<const float>(), saved.scale.view<const float>(),
                                   partial.view<float>(),
                                   {{groups<T>(to_x.tensor, width), to_x.mode}, grad_view<float>(to_gain)});
    });
  });
}

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& gain) { return rms_norm(x, gain, x.dtype()); }

Tensor rms_norm(const Tensor& x, const Tensor& gain, DType out_type) {
  require(x.shape().rank() == 2 && gain.shape().rank() == 1 && gain.count() > 0 && x.dim(1) % gain.count() == 0 &&
              gain.dtype() == DType::F32 && gain.device() == x.device(),
          "rms_norm: x ", x.shape(), ' ', name_of(x.dtype()), " on ", x.device(), ", gain ", gain.shape(), ' ',
          name_of(gain.dtype()), " on ", gain.device());
  const std::int64_t width = gain.count();
  Tensor out = Tensor::empty(x.shape(), out_type, x.device());
  count_bytes("rms_norm", x.bytes() + out.bytes());
  const Tensor scale = Tensor::empty(Shape{x.count() / width}, DType::F32, x.device());
  on_queue_of(x.device(), "rms_norm", [&](auto queue) {
    on_wide_and_narrow(x.dtype(), out_type, [&](auto tag, auto out_tag) {
      using T = typename decltype(tag)::type;
      using Out = typename decltype(out_tag)::type;
      kernel::rms_norm<T>(queue, groups<const T>(x, width), gain.view<const float>(), groups<Out>(out, width),
                          scale.view<float>());
    });
  });
  record("rms_norm", {&x, &gain}, out,
         [saved = SavedRmsNorm{x.detached(), gain.detached(), scale}](
             const Tensor& grad_out, const InputGrads& inputs) { backward_of(saved, grad_out, inputs); });
  return out;
}

}  // namespace isobath
