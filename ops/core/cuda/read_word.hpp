#pragma once
// The one way in which the host learns a number from the device within a step.

#include <cstdint>

#include "ops/core/queue.hpp"

namespace isobath::cuda {

/// *from, in device memory, after the work that `queue` holds now: copied to pinned memory, with which no copy of
/// another stream has to wait, and awaited by an event. One wait, which is counted (ops/core/host_waits.hpp).
std::int32_t read_word(CudaQueue queue, const std::int32_t* from);

}  // namespace isobath::cuda
