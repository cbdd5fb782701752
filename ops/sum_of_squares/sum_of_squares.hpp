#pragma once
#include "ops/core/accumulate.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// out[0] = (or +=) sum of x[i]^2 in f64, over fixed blocks in order: equal bits for any number of threads. x: f32,
/// out: f64 [1]. Not recorded.
void sum_of_squares(const Tensor& x, const Tensor& out, Accumulate mode = Accumulate::Overwrite);

namespace kernel {
/// partial: f64 scratch for the sum of each block (ops/sum/sum_partial.hpp).
void sum_of_squares(CpuQueue queue, View<const float> x, View<double> partial, View<double> out, Accumulate mode);
void sum_of_squares(CudaQueue queue, View<const float> x, View<double> partial, View<double> out, Accumulate mode);
}  // namespace kernel

}  // namespace isobath
