#pragma once
// One launch over the elements of dense arrays: a thread takes one pack.

#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/pack_math.cuh"

namespace isobath::cuda {

inline constexpr unsigned kElementThreads = 256;  // of a block

/// The last pack may be short; its elements are taken one at a time.
template <int kLength, class Body>
__global__ void __launch_bounds__(kElementThreads) for_each_pack(std::int64_t count, Body body) {
  const std::int64_t begin = (static_cast<std::int64_t>(blockIdx.x) * kElementThreads + threadIdx.x) * kLength;
  if (begin + kLength <= count) {
    body(Length<kLength>{}, begin);
    return;
  }
  for (std::int64_t i = begin; i < count; ++i) body(Length<1>{}, i);
}

/// Queues body(Length<n>{}, i) for neighbouring elements i .. i + n - 1 that together cover [0, count) once. n is as
/// many elements of T as fill 16 bytes, or 1; always 1 unless each array of `data` begins at a multiple of 16 bytes, as
/// a null pointer does. Body is a plain struct: kernels take no lambdas of the host.
template <class T, class Body, class... Data>
void launch_elementwise(const char* name, CudaQueue queue, std::int64_t count, const Body& body, const Data*... data) {
  if (count == 0) return;
  const auto start = [&]<int kLength>(Length<kLength>) {
    launch(name, &for_each_pack<kLength, Body>,
           {.blocks = blocks_for(count, kElementThreads * kLength), .threads = kElementThreads}, queue, count, body);
  };
  if ((allows_vectors(data, kVectorBytes) && ...))
    start(Length<kVectorLength<T>>{});
  else
    start(Length<1>{});
}

}  // namespace isobath::cuda
