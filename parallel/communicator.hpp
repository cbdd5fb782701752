#pragma once
// Ranks talk through one small interface: a single process, threads of one process and MPI processes look the same.
// Collectives are asynchronous: they run in the order of the calls while the caller computes on.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "ops/core/dtype.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"
#include "parallel/transport/collective.hpp"

namespace isobath {

/// `count` elements in one piece of memory.
template <class Void>
struct BufferOf {
  Void* data = nullptr;
  std::int64_t count = 0;
  DType dtype = DType::F32;
  Device device;

  BufferOf() = default;
  BufferOf(Void* data, std::int64_t count, DType dtype, Device device = Device::cpu())
      : data(data), count(count), dtype(dtype), device(device) {}
  BufferOf(const Tensor& tensor) : BufferOf(tensor.raw(), tensor.count(), tensor.dtype(), tensor.device()) {}
  template <class T>
  static BufferOf of(std::vector<T>& values) {
    return {values.data(), static_cast<std::int64_t>(values.size()), dtype_of<T>};
  }
  std::size_t bytes() const { return static_cast<std::size_t>(count) * size_of(dtype); }
  operator BufferOf<const void>() const requires(!std::is_const_v<Void>) { return {data, count, dtype, device}; }
};

/// What a collective reads.
using Buffer = BufferOf<const void>;
/// What a collective writes, or reads and writes.
using MutableBuffer = BufferOf<void>;

/// bf16 sums are formed in f32 in rank order and rounded once; the other types are summed in their own precision.
enum class Reduce { Sum, Max, Min };

/// The rank that sends or collects.
struct Root {
  int rank = 0;
};

/// Ranks of one color form a new communicator, in the order of their ranks.
struct Color {
  int value = 0;
};

class CollectiveRing;

/// All ranks make the same calls in the same order, over all communicators of the process, with equal counts and dtypes
/// (debug builds throw PeerError on every rank and name the first one that differs). A collective starts after what
/// the calling thread has queued on the buffer's device so far, and the buffers stay untouched until it was waited for.
/// Buffers on the meta device are legal and nothing happens to them. A failure of the group is final: every pending and
/// later call throws PeerError. One thread at a time calls a communicator; only abort() may be called by any.
class Communicator {
 public:
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Every rank ends with the same bits: the elementwise reduction of all ranks' `data`, in place.
  [[nodiscard]] virtual Collective all_reduce(MutableBuffer data, Reduce how) = 0;
  /// `whole` has size() equal pieces; `mine` receives the reduction of piece rank(). `mine` may be that piece of
  /// `whole`.
  [[nodiscard]] virtual Collective reduce_scatter(Buffer whole, MutableBuffer mine, Reduce how) = 0;
  /// `whole` receives every rank's `mine`, in rank order. `mine` may be piece rank() of `whole`.
  [[nodiscard]] virtual Collective all_gather(Buffer mine, MutableBuffer whole) = 0;
  /// `data` of the root arrives in `data` of every other rank.
  [[nodiscard]] virtual Collective broadcast(MutableBuffer data, Root root) = 0;

  /// Any number of bytes of every rank, in rank order, on the root; nothing on the others. Waits.
  virtual std::vector<std::vector<std::byte>> gather(std::span<const std::byte> mine, Root root) = 0;
  /// Returns when every rank has called it. Waits.
  virtual void barrier() = 0;
  /// The communicator of the ranks with my color. It shares this one's order of calls. Waits.
  virtual std::unique_ptr<Communicator> split(Color color) = 0;

  /// Ends the job, from any thread, even while a collective hangs. Ranks that are processes: stderr is flushed, this
  /// process is gone when the call would return, and mpirun takes the others down and returns `code`. Ranks that are
  /// threads: the call returns and every other rank's pending and later calls throw PeerError.
  virtual void abort(ExitCode code) noexcept = 0;

  /// What this rank's collectives did last, for any thread, even while one hangs; null where none can hang.
  virtual std::shared_ptr<CollectiveRing> ring() const { return nullptr; }

 protected:
  Communicator() = default;
};

}  // namespace isobath
