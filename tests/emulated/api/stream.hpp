#pragma once
// Devices, streams and events. All work passes through submit(). This stand-in runs it at once, in the order of the
// calls, which is one of the orders that streams allow.

#include <functional>

#include "tests/emulated/api/error.hpp"

struct CUstream_st;
struct CUevent_st;
using cudaStream_t = CUstream_st*;
using cudaEvent_t = CUevent_st*;

inline constexpr unsigned cudaStreamNonBlocking = 1;
inline constexpr unsigned cudaEventDisableTiming = 2;

/// ISOBATH_EMULATED_DEVICES devices; 1 without that variable. cudaErrorNoDevice for 0.
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int* device);

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t event);

namespace isobath::emulated {

/// Appends work to a stream. What the work throws (Fault) reaches the caller.
cudaError_t submit(cudaStream_t stream, std::function<void()> work);

}  // namespace isobath::emulated
