// The functions of nccl.h: what is wrong with a call is said here.

#include <algorithm>
#include <cstring>
#include <random>

#include <nccl.h>

#include "tests/emulated/api/handles.hpp"
#include "tests/emulated/nccl/clique.hpp"

using isobath::emulated::Handles;
using isobath::emulated::PiecePtr;
using isobath::emulated::Pieces;
using isobath::emulated::nccl::Call;
using isobath::emulated::nccl::Clique;
using isobath::emulated::nccl::Extent;
using isobath::emulated::nccl::Kind;
using isobath::emulated::nccl::Request;

struct ncclComm {
  std::shared_ptr<Clique> clique;
};

namespace {

constexpr char kNamePrefix[] = "isobath-nccl-";

Handles<ncclComm>& communicators() { return Handles<ncclComm>::all(); }

std::shared_ptr<Clique> clique_of(ncclComm_t communicator) {
  std::shared_ptr<Clique> clique;
  communicators().with(communicator, [&](const ncclComm& it) { clique = it.clique; });
  return clique;
}

bool overlap(const std::byte* a, std::size_t a_bytes, const std::byte* b, std::size_t b_bytes) {
  return a < b + b_bytes && b < a + a_bytes;
}

// NCCL user guide, In-place Operations: the only ways in which send and receive may share memory.
bool shares_memory_well(const Request& request, const Extent& extent, int rank) {
  if (!overlap(request.send, extent.send, request.receive, extent.receive)) return true;
  const auto index = static_cast<std::size_t>(rank);
  if (request.call.kind == Kind::ReduceScatter) return request.receive == request.send + index * extent.receive;
  if (request.call.kind == Kind::AllGather) return request.send == request.receive + index * extent.send;
  return request.send == request.receive;
}

// Adds the memory to the work's; false unless all of it is one allocation of the communicator's device.
bool use(Request& request, const std::byte* data, std::size_t bytes, int device) {
  if (data == nullptr) return false;
  if (bytes == 0) return true;
  const PiecePtr piece = Pieces::all().holding(data, bytes);
  if (!piece || !piece->is_on_device() || piece->device != device) return false;
  request.uses.push_back(piece);
  return true;
}

// Whether the call is one that `clique` can make; fills in what the request uses.
bool is_good(Request& request, const Clique& clique) {
  const auto [rank, size] = clique.place();
  const Call& call = request.call;
  const bool known = isobath::emulated::nccl::size_of(call.type) != 0;
  const bool reduces = call.kind == Kind::AllReduce || call.kind == Kind::ReduceScatter;
  const bool detail = call.kind == Kind::Broadcast
                          ? call.detail >= 0 && call.detail < size
                          : !reduces || call.detail == ncclSum || call.detail == ncclMax || call.detail == ncclMin;
  if (!known || !detail || !request.stream) return false;
  const Extent extent = extent_of(call, size);
  const bool sends = call.kind != Kind::Broadcast || call.detail == rank;
  if (!use(request, request.receive, extent.receive, clique.device())) return false;
  if (sends && !use(request, request.send, extent.send, clique.device())) return false;
  return !sends || shares_memory_well(request, extent, rank);
}

ncclResult_t collective(ncclComm_t communicator, const Call& call, const void* send, void* receive,
                        cudaStream_t stream) {
  const auto clique = clique_of(communicator);
  if (!clique) return ncclInvalidArgument;
  if (const ncclResult_t ready = clique->ready(); ready != ncclSuccess) return ready;
  Request request{call,
                  static_cast<const std::byte*>(send),
                  static_cast<std::byte*>(receive),
                  isobath::emulated::stream_behind(stream),
                  {}};
  if (!is_good(request, *clique)) return ncclInvalidArgument;
  if (request.stream->device != clique->device()) return ncclInvalidUsage;
  return clique->request(std::move(request));
}

Call call_of(Kind kind, std::size_t count, int type, int detail) { return {kind, type, detail, 0, count, 0}; }

}  // namespace

ncclResult_t ncclGetVersion(int* version) {
  if (version == nullptr) return ncclInvalidArgument;
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess:
      return "no error";
    case ncclUnhandledCudaError:
      return "a CUDA call failed";
    case ncclSystemError:
      return "a system call failed";
    case ncclInternalError:
      return "an error inside the library";
    case ncclInvalidArgument:
      return "an argument has a value that it cannot have";
    case ncclInvalidUsage:
      return "a call that cannot be made like this";
    case ncclRemoteError:
      return "a peer is gone or failed";
    case ncclInProgress:
      return "the operation goes on";
  }
  return "no result of NCCL";
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  if (id == nullptr) return ncclInvalidArgument;
  std::random_device random;
  std::string name = kNamePrefix;
  for (int word = 0; word < 4; ++word) name += std::to_string(random()) + '-';
  *id = {};
  std::copy(name.begin(), name.end(), id->internal);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* communicator, int size, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  if (communicator == nullptr || config == nullptr || config->magic != kEmulatedConfigMagic) return ncclInvalidArgument;
  if (size < 1 || rank < 0 || rank >= size) return ncclInvalidArgument;
  if (std::strncmp(id.internal, kNamePrefix, sizeof kNamePrefix - 1) != 0) return ncclInvalidArgument;
  // A blocking communicator may hang where nothing can end it, so isobath makes none.
  if (config->blocking != 0) return ncclInvalidArgument;
  using isobath::emulated::nccl::Place;
  *communicator = communicators().create(
      {std::make_shared<Clique>(id.internal, Place{rank, size}, isobath::emulated::current_device())});
  return ncclInProgress;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t communicator, ncclResult_t* error) {
  const auto clique = clique_of(communicator);
  if (!clique || error == nullptr) return ncclInvalidArgument;
  *error = clique->look();
  return ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t communicator) {
  const auto clique = clique_of(communicator);
  if (!clique) return ncclInvalidArgument;
  if (const ncclResult_t ready = clique->ready(); ready != ncclSuccess) return ready;
  return clique->finalize();
}

ncclResult_t ncclCommDestroy(ncclComm_t communicator) {
  const auto clique = clique_of(communicator);
  if (!clique) return ncclInvalidArgument;
  ncclResult_t state = clique->look();
  if (state != ncclSuccess) return state == ncclInProgress ? ncclInvalidArgument : state;
  clique->destroy();
  communicators().destroy(communicator);
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t communicator) {
  const auto clique = clique_of(communicator);
  if (!clique) return ncclInvalidArgument;
  clique->abort();
  communicators().destroy(communicator);
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* send, void* receive, std::size_t count, ncclDataType_t type, ncclRedOp_t how,
                           ncclComm_t communicator, cudaStream_t stream) {
  return collective(communicator, call_of(Kind::AllReduce, count, type, how), send, receive, stream);
}

ncclResult_t ncclReduceScatter(const void* send, void* receive, std::size_t receive_count, ncclDataType_t type,
                               ncclRedOp_t how, ncclComm_t communicator, cudaStream_t stream) {
  return collective(communicator, call_of(Kind::ReduceScatter, receive_count, type, how), send, receive, stream);
}

ncclResult_t ncclAllGather(const void* send, void* receive, std::size_t send_count, ncclDataType_t type,
                           ncclComm_t communicator, cudaStream_t stream) {
  return collective(communicator, call_of(Kind::AllGather, send_count, type, 0), send, receive, stream);
}

ncclResult_t ncclBroadcast(const void* send, void* receive, std::size_t count, ncclDataType_t type, int root,
                           ncclComm_t communicator, cudaStream_t stream) {
  return collective(communicator, call_of(Kind::Broadcast, count, type, root), send, receive, stream);
}
