#include "tests/emulated/api/memory.hpp"

#include <cstring>
#include <memory>
#include <vector>

#include "tests/emulated/api/device.hpp"
#include "tests/emulated/api/waits.hpp"
#include "tests/emulated/engine/fault.hpp"
#include "tests/emulated/engine/shared_arena.hpp"
#include "tests/emulated/graphs/api.hpp"

namespace {

using isobath::emulated::Captures;
using isobath::emulated::current_device;
using isobath::emulated::NodePtr;
using isobath::emulated::note_wait;
using isobath::emulated::PieceKind;
using isobath::emulated::PiecePtr;
using isobath::emulated::Pieces;
using isobath::emulated::PieceState;
using isobath::emulated::report;
using isobath::emulated::Scheduler;
using isobath::emulated::submit;
using isobath::emulated::Work;

cudaError_t create(void** data, std::size_t bytes, PieceKind kind, int device, PiecePtr& piece) {
  *data = nullptr;
  if (bytes == 0) return cudaSuccess;
  piece = Pieces::all().create(bytes, kind, device);
  if (!piece) return report(cudaErrorMemoryAllocation);
  *data = piece->begin;
  return cudaSuccess;
}

cudaError_t create_now(void** data, std::size_t bytes, PieceKind kind) {
  if (const auto refused = Captures::instance().unsafe()) return *refused;
  PiecePtr piece;
  return create(data, bytes, kind, current_device(), piece);
}

cudaError_t free_now(void* data, PieceKind kind) {
  if (const auto refused = Captures::instance().unsafe()) return *refused;
  if (data == nullptr) return cudaSuccess;
  const PiecePtr piece = Pieces::all().at(data, kind);
  if (!piece) return report(cudaErrorInvalidValue);
  Pieces::all().free(piece);
  return cudaSuccess;
}

bool is_capturing(cudaStream_t stream) {
  auto status = cudaStreamCaptureStatusNone;
  return cudaStreamIsCapturing(stream, &status) == cudaSuccess && status == cudaStreamCaptureStatusActive;
}

// What a graph may do, and isobath does not allow itself.
void forbid_capture(cudaStream_t stream, const char* what) {
  if (is_capturing(stream)) throw isobath::emulated::Fault(what);
}

enum class Side { Host, Device };

// One end of a copy.
struct End {
  PiecePtr piece;      // null for pageable memory
  bool right = false;  // it lies where it is said to lie
};

End end_of(const void* data, std::size_t bytes, Side side) {
  PiecePtr piece = Pieces::all().holding(data, bytes);
  const bool on_device = piece != nullptr && piece->is_on_device();
  return {std::move(piece), side == Side::Device ? on_device : Pieces::all().is_host(data, bytes)};
}

Work copy_work(void* to, const End& target, const void* from, const End& source, std::size_t bytes) {
  Work work;
  if (target.piece) work.uses.push_back(target.piece);
  if (source.piece) {
    work.uses.push_back(source.piece);
    work.run = [=] { std::memmove(to, from, bytes); };
  } else {
    const auto* const begin = static_cast<const std::byte*>(from);
    const auto staged = std::make_shared<const std::vector<std::byte>>(begin, begin + bytes);
    work.run = [=] { std::memcpy(to, staged->data(), bytes); };
  }
  return work;
}

}  // namespace

cudaError_t cudaMalloc(void** data, std::size_t bytes) { return create_now(data, bytes, PieceKind::Device); }

cudaError_t cudaFree(void* data) { return free_now(data, PieceKind::Device); }

cudaError_t cudaMallocAsync(void** data, std::size_t bytes, cudaStream_t stream) {
  const auto queue = isobath::emulated::stream_behind(stream);
  if (!queue) return report(cudaErrorInvalidResourceHandle);
  forbid_capture(stream, "an allocation in a capture: a graph that allocates has other addresses than its capture");
  PiecePtr piece;
  cudaError_t error = create(data, bytes, PieceKind::Pooled, queue->device, piece);
  if (error == cudaErrorMemoryAllocation) {  // what is freed behind queued work comes back when the work has run
    cudaGetLastError();
    Scheduler::instance().finish_device(queue->device);
    error = create(data, bytes, PieceKind::Pooled, queue->device, piece);
  }
  if (error != cudaSuccess || !piece) return error;
  piece->state = PieceState::Promised;
  return submit(stream, {[piece] { piece->state = PieceState::Live; }, {}});
}

cudaError_t cudaFreeAsync(void* data, cudaStream_t stream) {
  if (data == nullptr) return cudaSuccess;
  const PiecePtr piece = Pieces::all().at(data, PieceKind::Pooled);
  if (!piece) return report(cudaErrorInvalidValue);
  forbid_capture(stream, "a free in a capture: the second launch would use what the first one freed");
  return submit(stream, {[piece] { Pieces::all().free(piece); }, {}});
}

cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned flags) {
  if (flags != cudaHostAllocDefault) return report(cudaErrorInvalidValue);
  return create_now(data, bytes, PieceKind::Pinned);
}

cudaError_t cudaFreeHost(void* data) { return free_now(data, PieceKind::Pinned); }

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  const End target = end_of(to, bytes, to_device ? Side::Device : Side::Host),
            source = end_of(from, bytes, from_device ? Side::Device : Side::Host);
  if (!target.right || !source.right) return report(cudaErrorInvalidValue);
  if (!target.piece || !source.piece)
    forbid_capture(stream, "a copy of pageable memory in a capture: a launch would meet what is there by then");
  NodePtr copy;
  const cudaError_t error = submit(stream, copy_work(to, target, from, source, bytes), &copy);
  if (copy && !target.piece) {
    note_wait();
    Scheduler::instance().finish(copy);
  }
  return error;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const cudaError_t error = cudaMemcpyAsync(to, from, bytes, kind);
  return error == cudaSuccess && kind != cudaMemcpyDeviceToDevice ? cudaStreamSynchronize(nullptr) : error;
}

cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  const PiecePtr piece = Pieces::all().holding(data, bytes);
  if (!piece || !piece->is_on_device()) return report(cudaErrorInvalidValue);
  return submit(stream, {[=] { std::memset(data, value, bytes); }, {piece}});
}
