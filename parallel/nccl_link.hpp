#pragma once
// NCCL's side of a communicator: its handle, its stream, and a thread that looks for errors and late collectives.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <nccl.h>

#include "ops/core/cuda/stream.hpp"
#include "parallel/nccl_communicator.hpp"
#include "parallel/transport/collective_ring.hpp"

namespace isobath {

/// The first failure of a communicator and of all that were split off it. All learn of it before any of them is freed:
/// freeing one while another's kernel still spins may hang.
class NcclFailure {
 public:
  /// Keeps the first words only.
  void set(const std::string& words) noexcept;
  bool is_set() const { return is_set_.load(); }
  /// Throws PeerError when there was one.
  void rethrow() const;

 private:
  mutable std::mutex mutex_;
  std::string words_;
  std::atomic<bool> is_set_{false};
};

/// What one NCCL call does.
using NcclCall = std::function<ncclResult_t(ncclComm_t, cudaStream_t)>;

struct NcclSettings {
  Device device;
  NcclLimits limits;
  int group = 0;  ///< its number in the notes of collectives
};

/// A call that lies in NCCL's stream.
struct QueuedNccl {
  std::shared_ptr<const cuda::Event> done;
  std::uint64_t note = 0;  ///< its number in the notes of collectives; 0: there are none
};

class NcclLink {
 public:
  /// Meets the ranks of `host`; every rank calls it. Calls are noted in the host's ring.
  NcclLink(Communicator& host, const NcclSettings& settings, std::shared_ptr<NcclFailure> failure);
  /// An orderly end, which every rank has to come to; after a failure or under an exception, an abort.
  ~NcclLink();
  NcclLink(const NcclLink&) = delete;
  NcclLink& operator=(const NcclLink&) = delete;

  /// Runs `call`, which does what `noted` says, after what `queue` holds now. Throws PeerError if the group has failed,
  /// InternalError for a call that NCCL refuses.
  QueuedNccl run(CudaQueue queue, const Call& noted, const NcclCall& call);
  /// Somebody has seen the end of a call.
  void note_end(const QueuedNccl& call) const;

  const std::shared_ptr<NcclFailure>& failure() const { return failure_; }
  const NcclSettings& settings() const { return settings_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Pending {
    QueuedNccl call;
    Clock::time_point at;
    CallKind kind;
  };

  void start(Communicator& host, const ncclUniqueId& id);
  ncclResult_t settle(ncclResult_t answer, double seconds);
  void watch();
  void look();
  void forget_passed(Clock::duration age);
  void finish();
  void abort() noexcept;

  NcclSettings settings_;
  std::shared_ptr<CollectiveRing> notes_;  // null where the host keeps none
  std::shared_ptr<NcclFailure> failure_;
  int exceptions_;
  cuda::Stream stream_;
  std::mutex mutex_;  // of the handle: NCCL takes one call at a time
  ncclComm_t handle_ = nullptr;
  std::deque<Pending> pending_;
  bool closing_ = false;
  std::condition_variable closed_;
  std::thread watch_;
};

}  // namespace isobath
