#pragma once
// A GradView as kernels take it.

#include "ops/autograd/grad_view.hpp"
#include "ops/core/cuda/pack_math.cuh"

namespace isobath::cuda {

template <class T>
struct Grad {
  T* data;  // null when nobody wants this gradient
  Accumulate mode;

  explicit Grad(const GradView<T>& view) : data(view.to.data), mode(view.mode) {}
  __device__ __forceinline__ bool wanted() const { return data != nullptr; }

  /// The pack is, or is added to, the elements from `index`.
  template <int kLength>
  __device__ __forceinline__ void put(std::int64_t index, const Pack<kLength>& pack) const {
    cuda::put(data + index, mode, pack);
  }
};

}  // namespace isobath::cuda
