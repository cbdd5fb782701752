#include "ops/autograd/grad.cuh"
#include "ops/core/cuda/elementwise.cuh"
#include "ops/swiglu/silu.hpp"
#include "ops/swiglu/swiglu.hpp"

namespace isobath::kernel {
namespace {

using cuda::Grad;
using cuda::Length;

template <class T>
struct Forward {
  const T *gate, *up;
  T* out;

  template <int kLength>
  __device__ void operator()(Length<kLength>, std::int64_t i) const {
    cuda::store(out + i, cuda::map([](float g, float u) { return silu(g).value * u; }, cuda::load<kLength>(gate + i),
                                   cuda::load<kLength>(up + i)));
  }
};

template <class T>
struct Backward {
  const T *grad_out, *gate, *up;
  Grad<T> grad_gate, grad_up;

  template <int kLength>
  __device__ void operator()(Length<kLength>, std::int64_t i) const {
    const auto grad = cuda::load<kLength>(grad_out + i), other = cuda::load<kLength>(up + i),
               z = cuda::load<kLength>(gate + i);
    cuda::Pack<kLength> of_gate, of_up;
#pragma unroll
    for (int e = 0; e < kLength; ++e) {
      const vector_math::ValueAndSlope at = silu(z.values[e]);
      of_gate.values[e] = grad.values[e] * other.values[e] * at.slope;
      of_up.values[e] = grad.values[e] * at.value;
    }
    if (grad_gate.wanted()) grad_gate.put(i, of_gate);
    if (grad_up.wanted()) grad_up.put(i, of_up);
  }
};

}  // namespace

template <class T>
void swiglu(CudaQueue queue, View<const T> gate, View<const T> up, View<T> out) {
  cuda::launch_elementwise<T>("swiglu", queue, out.count(), Forward<T>{gate.data, up.data, out.data}, gate.data,
                              up.data, out.data);
}

template <class T>
void swiglu_backward(CudaQueue queue, View<const T> grad_out, View<const T> gate, View<const T> up,
                     SwigluGrads<T> grads) {
  cuda::launch_elementwise<T>("swiglu_backward", queue, gate.count(),
                              Backward<T>{grad_out.data, gate.data, up.data, Grad<T>(grads.gate), Grad<T>(grads.up)},
                              grad_out.data, gate.data, up.data, grads.gate.to.data, grads.up.to.data);
}

template void swiglu<float>(CudaQueue, View<const float>, View<const float>, View<float>);
template void swiglu<bfloat16>(CudaQueue, View<const bfloat16>, View<const bfloat16>, View<bfloat16>);
template void swiglu_backward<float>(CudaQueue, View<const float>, View<const float>, View<const float>,
                                     SwigluGrads<float>);
template void swiglu_backward<bfloat16>(CudaQueue, View<const bfloat16>, View<const bfloat16>, View<const bfloat16>,
                                        SwigluGrads<bfloat16>);

}  // namespace isobath::kernel
