#pragma once
#include "ops/autograd/grad_slot.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// scale * unit * sum of all elements, a scalar f32 [1]; accumulated in f64 over fixed blocks, in order. x: f32.
/// unit: f32 [1] on the device, e.g. 1 / global count of tokens.
Tensor sum(const Tensor& x, float scale, const Tensor& unit);

namespace kernel {
/// partial: f64 scratch for the sum of each block (sum_partial.hpp).
void sum(CpuQueue queue, View<const float> x, float scale, View<const float> unit, View<double> partial,
         View<float> out);
void sum(CudaQueue queue, View<const float> x, float scale, View<const float> unit, View<double> partial,
         View<float> out);

/// Every element of grad_x is (Overwrite) or grows by (Add) scale * unit * grad_out[0].
void sum_backward(CpuQueue queue, View<const float> grad_out, float scale, View<const float> unit, Accumulate mode,
                  View<float> grad_x);
void sum_backward(CudaQueue queue, View<const float> grad_out, float scale, View<const float> unit, Accumulate mode,
                  View<float> grad_x);
}  // namespace kernel

}  // namespace isobath
