#include "ops/sum/ordered_sum.cuh"
#include "ops/sum_of_squares/sum_of_squares.hpp"

namespace isobath::kernel {
namespace {

struct Square {
  __device__ static double term(double x) { return x * x; }
};

struct Finish {
  double* out;
  Accumulate mode;

  __device__ void operator()(double sum) const { out[0] = mode == Accumulate::Add ? out[0] + sum : sum; }
};

}  // namespace

void sum_of_squares(CudaQueue queue, View<const float> x, View<double> partial, View<double> out, Accumulate mode) {
  launch_ordered_sum("sum_of_squares", queue, x.count(), x.data, partial, Terms<Square>{x.data},
                     Finish{out.data, mode});
}

}  // namespace isobath::kernel
