#include "ops/sum/ordered_sum.cuh"
#include "ops/sum_of_squares/sum_of_squares.hpp"

namespace isobath::kernel {
namespace {

struct Squares {
  const float* x;

  template <int kLength>
  __device__ double operator()(cuda::Length<kLength>, std::int64_t i) const {
    const auto pack = cuda::load<kLength>(x + i);
    double sum = 0.0;
#pragma unroll
    for (int e = 0; e < kLength; ++e) sum += static_cast<double>(pack.values[e]) * static_cast<double>(pack.values[e]);
    return sum;
  }
};

struct Finish {
  double* out;
  Accumulate mode;

  __device__ void operator()(double sum) const { out[0] = mode == Accumulate::Add ? out[0] + sum : sum; }
};

}  // namespace

void sum_of_squares(CudaQueue queue, View<const float> x, View<double> partial, View<double> out, Accumulate mode) {
  launch_ordered_sum("sum_of_squares", queue, x.count(), x.data, partial, Squares{x.data}, Finish{out.data, mode});
}

}  // namespace isobath::kernel
