#include "ops/autograd/grad.cuh"
#include "ops/core/cpu/vector_math.hpp"
#include "ops/core/cuda/elementwise.cuh"
#include "ops/gelu/gelu.hpp"

namespace isobath::kernel {
namespace {

using cuda::Grad;
using cuda::Length;

template <class T>
struct Forward {
  const T* x;
  T *out, *slope;  // slope may be null

  template <int kLength>
  __device__ void operator()(Length<kLength>, std::int64_t i) const {
    const auto in = cuda::load<kLength>(x + i);
    cuda::Pack<kLength> value, derivative;
#pragma unroll
    for (int e = 0; e < kLength; ++e) {
      const vector_math::ValueAndSlope at = vector_math::gelu(in.values[e]);
      value.values[e] = at.value;
      derivative.values[e] = at.slope;
    }
    cuda::store(out + i, value);
    if (slope != nullptr) cuda::store(slope + i, derivative);
  }
};

template <class T>
struct Backward {
  const T *grad_out, *slope;
  Grad<T> grad_x;

  template <int kLength>
  __device__ void operator()(Length<kLength>, std::int64_t i) const {
    grad_x.put(i, cuda::map([](float g, float s) { return g * s; }, cuda::load<kLength>(grad_out + i),
                            cuda::load<kLength>(slope + i)));
  }
};

}  // namespace

template <class T>
void gelu(CudaQueue queue, View<const T> x, View<T> out, View<T> slope) {
  cuda::launch_elementwise<T>("gelu", queue, x.count(), Forward<T>{x.data, out.data, slope.data}, x.data, out.data,
                              slope.data);
}

template <class T>
void gelu_backward(CudaQueue queue, View<const T> grad_out, View<const T> slope, GradView<T> grad_x) {
  cuda::launch_elementwise<T>("gelu_backward", queue, grad_x.to.count(),
                              Backward<T>{grad_out.data, slope.data, Grad<T>(grad_x)}, grad_out.data, slope.data,
                              grad_x.to.data);
}

template void gelu<float>(CudaQueue, View<const float>, View<float>, View<float>);
template void gelu<bfloat16>(CudaQueue, View<const bfloat16>, View<bfloat16>, View<bfloat16>);
template void gelu_backward<float>(CudaQueue, View<const float>, View<const float>, GradView<float>);
template void gelu_backward<bfloat16>(CudaQueue, View<const bfloat16>, View<const bfloat16>, GradView<bfloat16>);

}  // namespace isobath::kernel
