#include "ops/core/cuda/elementwise.cuh"
#include "ops/sum/ordered_sum.cuh"
#include "ops/sum/sum.hpp"

namespace isobath::kernel {
namespace {

struct Itself {
  __device__ static double term(double x) { return x; }
};

struct Spread {
  const float *grad_out, *unit;
  float scale;
  Accumulate mode;
  float* grad_x;

  template <int kLength>
  __device__ void operator()(cuda::Length<kLength>, std::int64_t i) const {
    const auto each = static_cast<float>(static_cast<double>(scale) * unit[0] * grad_out[0]);
    cuda::put(grad_x + i, mode, cuda::map([each](float) { return each; }, cuda::Pack<kLength>{}));
  }
};

}  // namespace

void sum(CudaQueue queue, View<const float> x, float scale, View<const float> unit, View<double> partial,
         View<float> out) {
  launch_ordered_sum("sum", queue, x.count(), x.data, partial, Terms<Itself>{x.data},
                     ScaledSum{scale, unit.data, out.data});
}

void sum_backward(CudaQueue queue, View<const float> grad_out, float scale, View<const float> unit, Accumulate mode,
                  View<float> grad_x) {
  cuda::launch_elementwise<float>("sum_backward", queue, grad_x.count(),
                                  Spread{grad_out.data, unit.data, scale, mode, grad_x.data}, grad_x.data);
}

}  // namespace isobath::kernel
