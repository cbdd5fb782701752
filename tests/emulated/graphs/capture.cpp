#include "tests/emulated/graphs/capture.hpp"

#include <algorithm>
#include <utility>

#include "tests/emulated/engine/fault.hpp"

namespace isobath::emulated {
namespace {

thread_local cudaStreamCaptureMode mode_of_thread = cudaStreamCaptureModeGlobal;

// Whether every stream of the capture comes before the end of its origin.
bool is_joined(const Capture& capture) {
  const Places& last = capture.members.at(capture.origin.get()).after;
  std::vector<bool> reached(capture.graph->nodes.size(), false);
  for (const std::size_t place : last) reached[place] = true;
  for (std::size_t i = reached.size(); i-- > 0;)  // what comes before a node has a lower index
    if (reached[i])
      for (const std::size_t before : capture.graph->nodes[i].after) reached[before] = true;
  return std::all_of(capture.members.begin(), capture.members.end(), [&](const auto& member) {
    const Places& after = member.second.after;
    return std::all_of(after.begin(), after.end(), [&](std::size_t place) { return reached[place]; });
  });
}

// Whether a capture forbids unsafe calls to the calling thread.
bool forbids_unsafe_calls(const Capture& capture) {
  if (mode_of_thread == cudaStreamCaptureModeRelaxed) return false;
  const bool is_own = capture.thread == std::this_thread::get_id();
  if (is_own && capture.mode != cudaStreamCaptureModeRelaxed) return true;
  return mode_of_thread == cudaStreamCaptureModeGlobal && capture.mode == cudaStreamCaptureModeGlobal;
}

}  // namespace

// Lives as long as the process: threads and statics use streams until the very end.
Captures& Captures::instance() {
  static Captures& instance = *new Captures;
  return instance;
}

cudaStreamCaptureMode Captures::exchange_mode(cudaStreamCaptureMode mode) {
  return std::exchange(mode_of_thread, mode);
}

CapturePtr Captures::of(const StreamPtr& stream) const {
  for (const CapturePtr& capture : open_)
    if (capture->members.contains(stream.get())) return capture;
  return nullptr;
}

cudaError_t Captures::invalidate(Capture& capture, cudaError_t error) {
  if (capture.status == cudaStreamCaptureStatusInvalidated) return report(cudaErrorStreamCaptureInvalidated);
  capture.status = cudaStreamCaptureStatusInvalidated;
  return report(error);
}

void Captures::close(const CapturePtr& capture) {
  capture->status = cudaStreamCaptureStatusNone;
  std::erase(open_, capture);
  any_ = !open_.empty();
}

// The legacy default stream would wait for every blocking stream of its device.
Answer Captures::behind_default_stream(const StreamPtr& stream) {
  if (stream->default_stream != DefaultStream::IsThis) return {};
  Answer answer;
  for (const CapturePtr& capture : open_)
    for (const auto& [key, member] : capture->members)
      if (member.stream->device == stream->device && member.stream->default_stream == DefaultStream::Orders)
        answer = invalidate(*capture, cudaErrorStreamCaptureImplicit);
  return answer;
}

cudaError_t Captures::begin(const StreamPtr& stream, cudaStreamCaptureMode mode) {
  const Lock lock(mutex_);
  if (stream->default_stream == DefaultStream::IsThis) return report(cudaErrorStreamCaptureUnsupported);
  if (of(stream)) return report(cudaErrorInvalidValue);
  auto capture = std::make_shared<Capture>(Capture{stream, mode, std::this_thread::get_id()});
  capture->members.emplace(stream.get(), Capture::Member{stream, {}});
  open_.push_back(std::move(capture));
  any_ = true;
  return cudaSuccess;
}

cudaError_t Captures::end(const StreamPtr& stream, GraphPtr& graph) {
  const Lock lock(mutex_);
  graph = nullptr;
  const CapturePtr capture = of(stream);
  if (!capture) return report(cudaErrorInvalidValue);
  if (capture->origin != stream) return invalidate(*capture, cudaErrorStreamCaptureUnmatched);
  if (capture->mode != cudaStreamCaptureModeRelaxed && capture->thread != std::this_thread::get_id())
    return report(cudaErrorStreamCaptureWrongThread);
  const bool is_valid = capture->status == cudaStreamCaptureStatusActive;
  close(capture);
  if (!is_valid) return report(cudaErrorStreamCaptureInvalidated);
  if (!is_joined(*capture)) return report(cudaErrorStreamCaptureUnjoined);
  graph = capture->graph;
  return cudaSuccess;
}

cudaError_t Captures::status(const StreamPtr& stream, cudaStreamCaptureStatus& status) {
  const Lock lock(mutex_);
  const CapturePtr capture = of(stream);
  status = capture ? capture->status : cudaStreamCaptureStatusNone;
  if (stream->default_stream != DefaultStream::IsThis) return cudaSuccess;
  for (const CapturePtr& other : open_)
    for (const auto& [key, member] : other->members)
      if (member.stream->device == stream->device && member.stream->default_stream == DefaultStream::Orders)
        return report(cudaErrorStreamCaptureImplicit);
  return cudaSuccess;
}

Answer Captures::take(const StreamPtr& stream, Work& work) {
  if (!any_) return {};
  const Lock lock(mutex_);
  const CapturePtr capture = of(stream);
  if (!capture) return behind_default_stream(stream);
  if (work.attempt)
    throw Fault("a collective in a capture: isobath keeps them outside, and the stand-in has none there");
  if (capture->status != cudaStreamCaptureStatusActive) return report(cudaErrorStreamCaptureInvalidated);
  Places& after = capture->members.at(stream.get()).after;
  std::vector<GraphNode>& nodes = capture->graph->nodes;
  nodes.push_back({std::move(work), std::exchange(after, {})});
  after.insert(nodes.size() - 1);
  return cudaSuccess;
}

Answer Captures::record(const StreamPtr& stream, CapturedPoint& point) {
  if (!any_) return {};
  const Lock lock(mutex_);
  const CapturePtr capture = of(stream);
  if (!capture) return behind_default_stream(stream);
  if (capture->status != cudaStreamCaptureStatusActive) return report(cudaErrorStreamCaptureInvalidated);
  point = {capture, capture->members.at(stream.get()).after};
  return cudaSuccess;
}

Answer Captures::wait(const StreamPtr& stream, const CapturedPoint& point) {
  if (!any_ && !point.capture) return {};
  const Lock lock(mutex_);
  const CapturePtr own = of(stream);
  if (own && own->status != cudaStreamCaptureStatusActive) return report(cudaErrorStreamCaptureInvalidated);
  if (!point.capture) return own ? invalidate(*own, cudaErrorStreamCaptureIsolation) : behind_default_stream(stream);
  if (point.capture->status == cudaStreamCaptureStatusNone)
    return own ? invalidate(*own, cudaErrorCapturedEvent) : report(cudaErrorCapturedEvent);
  if (point.capture->status == cudaStreamCaptureStatusInvalidated) return report(cudaErrorStreamCaptureInvalidated);
  if (stream->default_stream == DefaultStream::IsThis)
    return invalidate(*point.capture, cudaErrorStreamCaptureImplicit);
  if (own && own != point.capture) {
    invalidate(*own, cudaErrorStreamCaptureMerge);
    return invalidate(*point.capture, cudaErrorStreamCaptureMerge);
  }
  Capture::Member& member = point.capture->members.try_emplace(stream.get(), Capture::Member{stream, {}}).first->second;
  member.after.insert(point.after.begin(), point.after.end());
  return cudaSuccess;
}

Answer Captures::launch(const StreamPtr& stream) {
  if (!any_) return {};
  const Lock lock(mutex_);
  if (of(stream)) throw Fault("a graph launched in a stream in capture: isobath captures no launches of graphs");
  return behind_default_stream(stream);
}

Answer Captures::ask(const StreamPtr& stream) {
  if (!any_) return {};
  {
    const Lock lock(mutex_);
    if (const CapturePtr capture = of(stream)) return invalidate(*capture, cudaErrorStreamCaptureUnsupported);
    if (const Answer answer = behind_default_stream(stream)) return answer;
  }
  return unsafe();
}

Answer Captures::ask(const CapturedPoint& point) {
  if (!point.capture) return unsafe();
  const Lock lock(mutex_);
  if (point.capture->status == cudaStreamCaptureStatusNone) return report(cudaErrorCapturedEvent);
  return invalidate(*point.capture, cudaErrorCapturedEvent);
}

Answer Captures::ask_device(int device) {
  if (!any_) return {};
  const Lock lock(mutex_);
  Answer answer;
  for (const CapturePtr& capture : open_)
    for (const auto& [key, member] : capture->members)
      if (member.stream->device == device) answer = invalidate(*capture, cudaErrorStreamCaptureUnsupported);
  return answer;
}

Answer Captures::unsafe() {
  if (!any_) return {};
  const Lock lock(mutex_);
  Answer answer;
  for (const CapturePtr& capture : open_)
    if (forbids_unsafe_calls(*capture)) answer = invalidate(*capture, cudaErrorStreamCaptureUnsupported);
  return answer;
}

}  // namespace isobath::emulated
