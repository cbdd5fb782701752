#pragma once
// A queue is the order in which a device executes. The CPU's queue is the calling thread itself: a kernel has run when
// its call returns.

#include <utility>

#include "ops/core/device.hpp"
#include "ops/core/error.hpp"
#include "ops/core/op_clock.hpp"

namespace isobath {

struct CpuQueue {};

/// A CUDA stream, opaque here: the CUDA headers stay in ops/core/cuda and *_cuda.cu.
struct CudaQueue {
  void* stream = nullptr;
  bool operator==(const CudaQueue&) const = default;
};

#ifdef ISOBATH_HAS_CUDA
inline constexpr bool kHasCuda = true;
#else
inline constexpr bool kHasCuda = false;
#endif

/// The queue that kernels of the calling thread use on `device`. Throws BackendError in a build without CUDA.
CudaQueue current_cuda_queue(Device device);

/// body(queue) on the queue of `device`; nothing at all on the meta device. For ops that have a kernel for every
/// device.
template <class Body>
void on_queue_of(Device device, Body&& body) {
  if (device.is_meta()) return;
  if (device.is_cpu()) return body(CpuQueue{});
  if constexpr (kHasCuda) return body(current_cuda_queue(device));
  throw BackendError(
      text(device, " tensor in a build without CUDA; build with -DISOBATH_CUDA=real or use device: cpu"));
}

/// The same on the clock, as `op` (ops/core/op_clock.hpp).
template <class Body>
void on_queue_of(Device device, const char* op, Body&& body) {
  const OpScope scope(op, device);
  on_queue_of(device, std::forward<Body>(body));
}

/// The same for ops whose CUDA kernel is still to come: `what` names the op in the error too.
template <class Body>
void on_cpu_queue_of(Device device, const char* what, Body&& body) {
  if (device.is_meta()) return;
  if (!device.is_cpu()) throw BackendError(text(what, " has no CUDA kernel yet; use device: cpu"));
  const OpScope scope(what);
  body(CpuQueue{});
}

}  // namespace isobath
