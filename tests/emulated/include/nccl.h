#pragma once
// Found instead of NVIDIA's header in a build with ISOBATH_CUDA=emulated: the part of NCCL that isobath uses, between
// processes and threads of one machine, over sockets. Numbers and names are those of NCCL 2.28.

#include <climits>
#include <cstddef>

#include <cuda_runtime.h>

#define NCCL_VERSION_CODE 22809
inline constexpr std::size_t NCCL_UNIQUE_ID_BYTES = 128;

struct ncclComm;
using ncclComm_t = ncclComm*;

struct ncclUniqueId {
  char internal[NCCL_UNIQUE_ID_BYTES];
};

enum ncclResult_t {
  ncclSuccess = 0,
  ncclUnhandledCudaError = 1,
  ncclSystemError = 2,
  ncclInternalError = 3,
  ncclInvalidArgument = 4,
  ncclInvalidUsage = 5,
  ncclRemoteError = 6,
  ncclInProgress = 7,
};

enum ncclRedOp_t { ncclSum = 0, ncclProd = 1, ncclMax = 2, ncclMin = 3, ncclAvg = 4 };

enum ncclDataType_t {
  ncclUint8 = 1,
  ncclInt32 = 2,
  ncclInt64 = 4,
  ncclFloat32 = 7,
  ncclFloat64 = 8,
  ncclBfloat16 = 9,
};

struct ncclConfig_t {
  unsigned magic;
  int blocking;
};
inline constexpr unsigned kEmulatedConfigMagic = 0x15ba7e5;
#define NCCL_CONFIG_INITIALIZER \
  { kEmulatedConfigMagic, INT_MIN }

ncclResult_t ncclGetVersion(int* version);
const char* ncclGetErrorString(ncclResult_t result);

ncclResult_t ncclGetUniqueId(ncclUniqueId* id);
/// Only with blocking = 0: ncclInProgress, and ncclCommGetAsyncError says when all ranks have come.
ncclResult_t ncclCommInitRankConfig(ncclComm_t* communicator, int size, ncclUniqueId id, int rank,
                                    ncclConfig_t* config);
/// ncclInProgress while the call before this one goes on. Then its outcome, or that a peer is gone.
ncclResult_t ncclCommGetAsyncError(ncclComm_t communicator, ncclResult_t* error);
/// The end of what is queued, to be polled.
ncclResult_t ncclCommFinalize(ncclComm_t communicator);
ncclResult_t ncclCommDestroy(ncclComm_t communicator);
/// Work that is queued ends without a result; peers learn of it as of a remote error.
ncclResult_t ncclCommAbort(ncclComm_t communicator);

// The first of these calls answers ncclInProgress: it is in the stream when ncclCommGetAsyncError says ncclSuccess.
ncclResult_t ncclAllReduce(const void* send, void* receive, std::size_t count, ncclDataType_t type, ncclRedOp_t how,
                           ncclComm_t communicator, cudaStream_t stream);
ncclResult_t ncclReduceScatter(const void* send, void* receive, std::size_t receive_count, ncclDataType_t type,
                               ncclRedOp_t how, ncclComm_t communicator, cudaStream_t stream);
ncclResult_t ncclAllGather(const void* send, void* receive, std::size_t send_count, ncclDataType_t type,
                           ncclComm_t communicator, cudaStream_t stream);
ncclResult_t ncclBroadcast(const void* send, void* receive, std::size_t count, ncclDataType_t type, int root,
                           ncclComm_t communicator, cudaStream_t stream);
