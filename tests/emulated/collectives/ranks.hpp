#pragma once
// Ranks of the stand-in for NCCL as threads of this process, each with a stream and a communicator.

#include <chrono>
#include <exception>
#include <functional>
#include <latch>
#include <optional>
#include <thread>

#include <nccl.h>

#include "tests/emulated/checks/harness.hpp"

namespace isobath::emulated::test {

/// `count` elements of device memory for any stream. Nothing here waits for the whole device: that would be for the
/// other ranks' collectives too, which may wait for this one's.
template <class T>
class Memory {
 public:
  explicit Memory(const std::vector<T>& values) : count_(values.size()) {
    void* data = nullptr;
    cuda::check(cudaMalloc(&data, count_ * sizeof(T)), "cudaMalloc");
    data_ = static_cast<T*>(data);
    cuda_copy(Device::cuda(0), data_, values.data(), count_ * sizeof(T), CopyKind::HostToDevice);
    cuda_wait(Device::cuda(0));  // for this thread's queue alone
  }
  ~Memory() { cudaFree(data_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  T* data() const { return data_; }
  std::vector<T> read() const {
    std::vector<T> out(count_);
    cuda_copy(Device::cuda(0), out.data(), data_, count_ * sizeof(T), CopyKind::DeviceToHost);
    return out;
  }

 private:
  std::size_t count_;
  T* data_;
};

inline ncclUniqueId new_id() {
  ncclUniqueId id;
  EXPECT_EQ(ncclGetUniqueId(&id), ncclSuccess);
  return id;
}

/// Looks until the communicator is no longer busy, for at most 10 s.
inline ncclResult_t settled(ncclComm_t communicator) {
  ncclResult_t state = ncclInProgress;
  for (int look = 0; look < 50'000 && state == ncclInProgress; ++look) {
    if (look > 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    EXPECT_EQ(ncclCommGetAsyncError(communicator, &state), ncclSuccess);
  }
  return state;
}

inline ncclComm_t start(ncclUniqueId id, int rank, int size) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  ncclComm_t communicator = nullptr;
  EXPECT_EQ(ncclCommInitRankConfig(&communicator, size, id, rank, &config), ncclInProgress);
  return communicator;
}

/// What a body gets. It destroys or aborts the communicator itself, unless that is left to close().
struct Rank {
  int rank;
  int size;
  ncclComm_t communicator;
  cuda::Stream stream;

  cudaStream_t handle() const { return cuda::stream_of(stream.queue()); }
  /// The outcome of a collective, once it is in its stream.
  ncclResult_t queued(ncclResult_t answer) const { return answer == ncclInProgress ? settled(communicator) : answer; }
  void close() {
    EXPECT_EQ(ncclCommFinalize(communicator), ncclInProgress);
    EXPECT_EQ(settled(communicator), ncclSuccess);
    EXPECT_EQ(ncclCommDestroy(communicator), ncclSuccess);
  }
};

inline std::exception_ptr thrown_by(const std::function<void()>& work) {
  try {
    work();
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

/// body(rank) on `size` threads, when all have met and know it: who aborts early must not be what another sees first.
/// What one throws is thrown here.
template <class Body>
void on_ranks(int size, Body body) {
  const ncclUniqueId id = new_id();
  std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(size));
  std::latch met(size);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      std::optional<Rank> self;
      std::exception_ptr& error = thrown[static_cast<std::size_t>(rank)];
      error = thrown_by([&] {
        self.emplace(rank, size, start(id, rank, size));
        EXPECT_EQ(settled(self->communicator), ncclSuccess);
      });
      met.arrive_and_wait();
      if (!error) error = thrown_by([&] { body(*self); });
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : thrown)
    if (error) std::rethrow_exception(error);
}

}  // namespace isobath::emulated::test
