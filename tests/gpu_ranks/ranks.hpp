#pragma once
#include <vector>

#include "ops/core/device_memory.hpp"
#include "parallel/nccl_communicator.hpp"
#include "parallel/world.hpp"

namespace isobath::test {

#ifdef ISOBATH_EMULATED_CUDA
inline constexpr bool kIsEmulated = true;
#else
inline constexpr bool kIsEmulated = false;
#endif

/// This rank's.
inline Device device() { return Device::cuda(device_of(local_rank(process_environment()).rank, cuda_device_count())); }

template <class T>
Tensor on_device(const std::vector<T>& values) {
  return Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, values, device());
}

}  // namespace isobath::test
