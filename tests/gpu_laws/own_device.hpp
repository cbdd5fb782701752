#pragma once
// What programs whose ranks are processes ask first: whether each rank has a device of its own.

#include <cstdlib>
#include <iostream>

#include "support/device.hpp"

namespace isobath::test {

inline constexpr int kSkipped = 77;  // as CMakeLists.txt tells ctest

/// Puts this program's tests on CUDA devices. Whether every rank of this machine has one of its own; where it has not,
/// rank 0 says why.
inline bool take_own_device() {
  setenv("ISOBATH_TEST_DEVICE", "cuda", 1);
  const LocalRank local = local_rank(process_environment());
  const int devices = cuda_device_count();
#ifdef ISOBATH_EMULATED_CUDA
  const bool enough = devices > 0;  // each process has its own
#else
  const bool enough = devices > 0 && local.size <= devices;  // NCCL takes a device once per communicator
#endif
  if (!enough && local.rank == 0)
    std::cout << "skipped: " << local.size << " ranks need as many GPUs: " << cuda_status() << std::endl;
  return enough;
}

}  // namespace isobath::test
