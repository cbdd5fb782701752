#include "ops/core/cpu/vector_math.hpp"
#include "ops/core/cuda/elementwise.cuh"
#include "ops/sigmoid/sigmoid.hpp"

namespace isobath::kernel {
namespace {

using cuda::Length;

// With e = exp(-|x|) in (0, 1] nothing overflows: sigmoid(|x|) = 1 / (1 + e), sigmoid(-|x|) = e / (1 + e).

struct Forward {
  const float* x;
  float sign;
  float* out;

  template <int kLength>
  __device__ void operator()(Length<kLength>, std::int64_t i) const {
    const auto value = [sign = sign](float v) {
      const float signed_v = sign * v, e = vector_math::exp(signed_v > 0.0F ? -signed_v : signed_v);
      return (signed_v > 0.0F ? 1.0F : e) / (1.0F + e);
    };
    cuda::store(out + i, cuda::map(value, cuda::load<kLength>(x + i)));
  }
};

struct Backward {
  const float *grad_out, *x;
  float sign;
  Accumulate mode;
  float* grad_x;

  template <int kLength>
  __device__ void operator()(Length<kLength>, std::int64_t i) const {
    const auto gradient = [sign = sign](float g, float v) {
      const float e = vector_math::exp(v > 0.0F ? -v : v);
      return sign * g * e / ((1.0F + e) * (1.0F + e));
    };
    cuda::put(grad_x + i, mode, cuda::map(gradient, cuda::load<kLength>(grad_out + i), cuda::load<kLength>(x + i)));
  }
};

}  // namespace

void sigmoid(CudaQueue queue, View<const float> x, float sign, View<float> out) {
  cuda::launch_elementwise<float>("sigmoid", queue, x.count(), Forward{x.data, sign, out.data}, x.data, out.data);
}

void sigmoid_backward(CudaQueue queue, View<const float> grad_out, View<const float> x, float sign, Accumulate mode,
                      View<float> grad_x) {
  cuda::launch_elementwise<float>("sigmoid_backward", queue, x.count(),
                                  Backward{grad_out.data, x.data, sign, mode, grad_x.data}, grad_out.data, x.data,
                                  grad_x.data);
}

}  // namespace isobath::kernel
