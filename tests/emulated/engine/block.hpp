#pragma once
// Runs the blocks of a grid one after the other. The threads of a block are fibers of one thread of the operating
// system; they change places only where they wait for each other (and, in random order, at atomics).

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/emulated/device/collectives.hpp"
#include "tests/emulated/device/keywords.hpp"
#include "tests/emulated/engine/fiber.hpp"
#include "tests/emulated/engine/order.hpp"
#include "tests/emulated/engine/shared_arena.hpp"
#include "tests/emulated/engine/tokens.hpp"

namespace isobath::emulated {

/// A kernel with its arguments, to be called once per thread.
using ThreadBody = std::function<void()>;

struct Grid {
  dim3 blocks;
  dim3 threads;  // of a block
  std::size_t dynamic_bytes = 0;
  const void* kernel = nullptr;  // for observers
};

enum class ThreadState : std::uint8_t { Ready, AtBarrier, AtCollective, Returned };

/// One CUDA thread: what it runs on, and what it waits for.
struct BlockThread {
  Fiber* fiber = nullptr;
  uint3 index;
  ThreadState state = ThreadState::Returned;
  Offer offer;
  std::uint64_t answer = 0;
  Where where;
};

class Engine {
 public:
  /// The engine of the calling thread of the operating system.
  static Engine& current();

  /// Throws Fault for what a kernel may not do, and whatever the kernel itself threw.
  void run(const Grid& grid, const ThreadBody& body);

  void meet_block(Where where);
  std::uint64_t meet_warp(const Offer& offer, Where where);
  void perhaps_yield();
  unsigned lane() const { return running_ % kLanes; }
  SharedArena& shared() { return shared_; }

 private:
  static constexpr unsigned kLanes = 32;

  static void thread_main();
  void run_block(const Grid& grid);
  void begin_threads(dim3 extents);
  void run_ready_threads();
  template <class Choose>
  bool run_pass(Choose&& chosen);
  void release_barrier();
  void abandon() noexcept;
  std::string describe_waiting() const;

  void check_offer(const Offer& offer, Where where) const;
  bool all_offered(const Offer& offer, Where where) const;
  void multiply_parts(const Offer& offer, Where where);
  void answer_all(unsigned mask);
  BlockThread& of_warp(unsigned lane) { return threads_[running_ / kLanes * kLanes + lane]; }
  const BlockThread& of_warp(unsigned lane) const { return threads_[running_ / kLanes * kLanes + lane]; }

  BlockThread& running() { return threads_[running_]; }
  void yield();

  std::vector<std::unique_ptr<Fiber>> fibers_;  // one more than the largest block so far had threads
  unsigned first_fiber_ = 0;                    // that of the present block's thread 0
  std::vector<BlockThread> threads_;
  unsigned count_ = 0;  // threads of the present block
  unsigned running_ = 0;
  const ThreadBody* body_ = nullptr;
  std::exception_ptr thrown_;
  SharedArena shared_;
  Tokens tokens_;
  Order order_;
  Dice dice_{1};
  std::vector<unsigned> sequence_;
};

}  // namespace isobath::emulated
