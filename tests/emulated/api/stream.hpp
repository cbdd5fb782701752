#pragma once
// Streams and events. All work passes through submit() and waits in its stream until the schedule runs it
// (tests/emulated/streams).

#include "tests/emulated/api/error.hpp"
#include "tests/emulated/streams/scheduler.hpp"

struct CUstream_st;
struct CUevent_st;
using cudaStream_t = CUstream_st*;
using cudaEvent_t = CUevent_st*;

inline constexpr unsigned cudaStreamDefault = 0;
inline constexpr unsigned cudaStreamNonBlocking = 1;
inline constexpr unsigned cudaEventDefault = 0;
inline constexpr unsigned cudaEventDisableTiming = 2;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
/// Returns at once; what is queued stays queued, as the manual says.
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
/// cudaErrorNotReady while work is left; each call then brings the stream nearer to its end.
cudaError_t cudaStreamQuery(cudaStream_t stream);
/// Of the event as it was recorded last before this call; nothing when it never was.
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
/// cudaErrorNotReady before the recorded point; each call then brings it nearer.
cudaError_t cudaEventQuery(cudaEvent_t event);
/// Between two recorded points that have passed, by the clock of the host; cudaErrorNotReady before that.
/// cudaErrorInvalidResourceHandle for events that were never recorded or have no clock.
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to);

namespace isobath::emulated {

/// The queue behind a handle, for null that of the current device's default stream; null for a handle that is none.
StreamPtr stream_behind(cudaStream_t stream);

/// Appends work to a stream, or to the graph for which the stream is in capture (tests/emulated/graphs). `where`
/// receives its place in the stream. cudaErrorInvalidResourceHandle for a stream that is gone.
cudaError_t submit(cudaStream_t stream, Work work, NodePtr* where = nullptr);

}  // namespace isobath::emulated
