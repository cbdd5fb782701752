#pragma once
// How long a CUDA device works on what a queue holds, read by its own clock: the host's would tell how long it takes to
// queue it.

#include "ops/core/device_memory.hpp"

namespace isobath {

/// A mark with the device's time, after everything that the calling thread's queue on `device` holds now. Costs the
/// host a call. Throws BackendError in a build without CUDA.
CudaMark cuda_timed_mark(Device device);

/// Seconds from one timed mark of a queue to a later one. Waits for the later one, which is counted
/// (ops/core/host_waits.hpp).
double cuda_seconds(const CudaMark& from, const CudaMark& to);

}  // namespace isobath
