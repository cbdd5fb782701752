#include "tests/emulated/api/stream.hpp"

#include <chrono>
#include <map>
#include <utility>

#include "tests/emulated/api/device.hpp"
#include "tests/emulated/api/handles.hpp"
#include "tests/emulated/api/waits.hpp"
#include "tests/emulated/graphs/capture.hpp"

using isobath::emulated::CapturedPoint;
using isobath::emulated::Captures;
using isobath::emulated::Handles;
using isobath::emulated::NodePtr;
using isobath::emulated::report;
using isobath::emulated::Scheduler;
using isobath::emulated::StreamPtr;

struct CUstream_st {
  StreamPtr queue;
};
struct CUevent_st {
  int device;
  bool has_clock;
  NodePtr recorded;             // outside of any capture
  CapturedPoint captured = {};  // or within one
};

namespace {

using isobath::emulated::current_device;
using isobath::emulated::DefaultStream;
using isobath::emulated::stream_behind;

Handles<CUstream_st>& streams() { return Handles<CUstream_st>::all(); }
Handles<CUevent_st>& events() { return Handles<CUevent_st>::all(); }
cudaError_t valid_if(bool good) { return report(good ? cudaSuccess : cudaErrorInvalidResourceHandle); }

StreamPtr make_queue(int device, DefaultStream default_stream) {
  return std::make_shared<isobath::emulated::StreamQueue>(isobath::emulated::StreamQueue{device, default_stream, {}});
}

StreamPtr default_stream_of(int device) {
  static std::mutex& mutex = *new std::mutex;
  static auto& queues = *new std::map<int, StreamPtr>;
  const std::lock_guard lock(mutex);
  StreamPtr& queue = queues[device];
  if (!queue) queue = make_queue(device, DefaultStream::IsThis);
  return queue;
}

bool find(cudaEvent_t event, CUevent_st& known) {
  return events().with(event, [&](const CUevent_st& it) { known = it; });
}

cudaError_t answer(const NodePtr& node) {
  return report(!node || Scheduler::instance().poll(node) ? cudaSuccess : cudaErrorNotReady);
}

}  // namespace

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  if ((flags & ~cudaStreamNonBlocking) != 0) return report(cudaErrorInvalidValue);
  const bool apart = (flags & cudaStreamNonBlocking) != 0;
  *stream = streams().create({make_queue(current_device(), apart ? DefaultStream::Ignores : DefaultStream::Orders)});
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) { return valid_if(streams().destroy(stream)); }

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const StreamPtr queue = stream_behind(stream);
  if (!queue) return report(cudaErrorInvalidResourceHandle);
  if (const auto refused = Captures::instance().ask(queue)) return *refused;
  isobath::emulated::note_wait();
  if (const NodePtr last = Scheduler::instance().last_of(queue)) Scheduler::instance().finish(last);
  return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const StreamPtr queue = stream_behind(stream);
  if (!queue) return report(cudaErrorInvalidResourceHandle);
  if (const auto refused = Captures::instance().ask(queue)) return *refused;
  return answer(Scheduler::instance().last_of(queue));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  if (flags != 0) return report(cudaErrorInvalidValue);
  const StreamPtr queue = stream_behind(stream);
  CUevent_st known{};
  if (!queue || !find(event, known)) return report(cudaErrorInvalidResourceHandle);
  if (!known.recorded && !known.captured.capture) return cudaSuccess;
  if (const auto answer = Captures::instance().wait(queue, known.captured)) return *answer;
  Scheduler::instance().submit(queue, {}, known.recorded);
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  if ((flags & ~cudaEventDisableTiming) != 0) return report(cudaErrorInvalidValue);
  *event = events().create({current_device(), (flags & cudaEventDisableTiming) == 0, nullptr});
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) { return valid_if(events().destroy(event)); }

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const StreamPtr queue = stream_behind(stream);
  int device = -1;
  events().with(event, [&](const CUevent_st& it) { device = it.device; });
  if (!queue || queue->device != device) return report(cudaErrorInvalidResourceHandle);
  CapturedPoint captured;
  const auto answer = Captures::instance().record(queue, captured);
  if (answer && *answer != cudaSuccess) return *answer;
  const NodePtr here = answer ? nullptr : Scheduler::instance().submit(queue, {});
  return valid_if(events().with(event, [&](CUevent_st& it) {
    it.recorded = here;
    it.captured = captured;
  }));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  CUevent_st known{};
  if (!find(event, known)) return report(cudaErrorInvalidResourceHandle);
  if (const auto refused = Captures::instance().ask(known.captured)) return *refused;
  isobath::emulated::note_wait();
  if (known.recorded) Scheduler::instance().finish(known.recorded);
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  CUevent_st known{};
  if (!find(event, known)) return report(cudaErrorInvalidResourceHandle);
  if (const auto refused = Captures::instance().ask(known.captured)) return *refused;
  return answer(known.recorded);
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  NodePtr nodes[2];
  const cudaEvent_t ends[2] = {from, to};
  for (int end = 0; end < 2; ++end) {
    bool has_clock = false;
    events().with(ends[end], [&](const CUevent_st& it) {
      has_clock = it.has_clock;
      nodes[end] = it.recorded;
    });
    if (!has_clock || !nodes[end]) return report(cudaErrorInvalidResourceHandle);
  }
  for (const NodePtr& node : nodes)
    if (!Scheduler::instance().is_done(node)) return report(cudaErrorNotReady);
  *milliseconds = std::chrono::duration<float, std::milli>(nodes[1]->done_at - nodes[0]->done_at).count();
  return cudaSuccess;
}

namespace isobath::emulated {

StreamPtr stream_behind(cudaStream_t stream) {
  if (stream == nullptr) return default_stream_of(current_device());
  StreamPtr queue;
  streams().with(stream, [&](const CUstream_st& it) { queue = it.queue; });
  return queue;
}

cudaError_t submit(cudaStream_t stream, Work work, NodePtr* where) {
  const StreamPtr queue = stream_behind(stream);
  if (!queue) return report(cudaErrorInvalidResourceHandle);
  if (const auto answer = Captures::instance().take(queue, work)) return *answer;
  note_launch();
  const NodePtr node = Scheduler::instance().submit(queue, std::move(work));
  if (where != nullptr) *where = node;
  return cudaSuccess;
}

}  // namespace isobath::emulated
