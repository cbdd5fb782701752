#pragma once
// The device as a parameter of a whole test program: it runs on the CPU, and once more with ISOBATH_TEST_DEVICE=cuda
// in builds that have such devices (tests/gpu_laws).

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "ops/core/device_memory.hpp"
#include "parallel/world.hpp"

#ifdef ISOBATH_EMULATED_CUDA
#include "tests/emulated/api/waits.hpp"
#endif

namespace isobath::test {

/// Where this program's tests put their tensors: the CPU, or this rank's CUDA device.
inline Device device() {
  const char* const wanted = std::getenv("ISOBATH_TEST_DEVICE");
  if (wanted == nullptr || wanted != std::string_view("cuda")) return Device::cpu();
  return Device::cuda(device_of(local_rank(process_environment()).rank, std::max(1, cuda_device_count())));
}

/// Calls of this thread in which the CUDA runtime may have made the host wait, as the emulated runtime counts them; 0
/// where none counts.
inline std::int64_t runtime_waits() {
#ifdef ISOBATH_EMULATED_CUDA
  return emulated::waits();
#else
  return 0;
#endif
}

/// Calls of this thread that gave the CUDA runtime work, likewise.
inline std::int64_t runtime_launches() {
#ifdef ISOBATH_EMULATED_CUDA
  return emulated::launches();
#else
  return 0;
#endif
}

}  // namespace isobath::test
