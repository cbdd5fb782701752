#pragma once
// What a rank's collectives did last, and what it waits for: read by another thread while a collective hangs.

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "parallel/transport/call_check.hpp"

namespace isobath {

/// Peers, as ranks of the group, that a collective has waited for for a while.
struct MissingPeers {
  std::vector<int> first;  ///< the lowest ones
  int count = 0;           ///< all of them
};

/// Who moves the data: a rank's communication thread, which knows whom it waits for, or NCCL, which does not say.
enum class Carrier { Host, Nccl };

const char* name_of(Carrier carrier);

/// One collective. Times are steady-clock nanoseconds, 0 for what has not happened yet.
struct CollectiveNote {
  std::uint64_t sequence = 0;  ///< from 1; all ranks make the same calls, so it names the same collective on each
  int group = 0;               ///< 0: all ranks; splits count from 1, in the order in which this rank made them
  CallKind kind = CallKind::Barrier;
  DType dtype = DType::F32;
  std::int64_t bytes = 0;
  std::int64_t enqueued = 0, started = 0, finished = 0;
  Carrier carrier = Carrier::Host;
  MissingPeers missing = {};  ///< whom the transfer waits for, or waited for last, that took longest

  bool is_running() const { return started != 0 && finished == 0; }
};

/// The last collectives of all communicators that share a communication thread, and of those over the same ranks'
/// devices. Writers take no lock and never wait;
/// neither does a reader, who gets each note whole or not at all.
class CollectiveRing {
 public:
  static constexpr std::size_t kNotes = 128, kPeers = 16;

  /// A number for a new group.
  int new_group() { return groups_.fetch_add(1); }
  /// The thread that calls the communicator. What NCCL carries has started with the call: in its stream, where it may
  /// have to wait for the device's own work.
  std::uint64_t enqueue(int group, const Call& call, Carrier carrier = Carrier::Host);
  /// Whoever saw that what NCCL carries has ended, which may be a while ago.
  void finish_on_device(std::uint64_t sequence);

  // The communication thread:
  void start(std::uint64_t sequence);
  void finish(std::uint64_t sequence);
  /// Whom the running transfer still waits for; empty when it is over.
  void set_missing(std::span<const int> peers);

  // Any thread:
  /// In the order of their sequence; at most kNotes, and the running one even if it is older than those.
  std::vector<CollectiveNote> notes() const;

 private:
  /// Fields are written while `sequence` is 0.
  struct Slot {
    std::atomic<std::uint64_t> sequence{0};
    std::atomic<int> group{0};
    std::atomic<CallKind> kind{CallKind::Barrier};
    std::atomic<DType> dtype{DType::F32};
    std::atomic<Carrier> carrier{Carrier::Host};
    std::atomic<std::int64_t> bytes{0}, enqueued{0}, started{0}, finished{0};
    std::array<std::atomic<int>, kPeers> peers{};
    std::atomic<int> peer_count{0};

    void set_missing(std::span<const int> missing);
    MissingPeers missing() const;
    void write(const CollectiveNote& note);
    bool read(CollectiveNote& note) const;
  };
  Slot& slot_of(std::uint64_t sequence) { return slots_[sequence % kNotes]; }

  std::array<Slot, kNotes> slots_;
  Slot running_;  // a copy: a long queue may have pushed the running collective out of the ring
  std::int64_t missing_since_ = 0, longest_ = 0;  // of the running collective's transfers; the communication thread's
  std::atomic<std::uint64_t> last_{0};
  std::atomic<int> groups_{0};
};

}  // namespace isobath
