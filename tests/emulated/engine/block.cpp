#include "tests/emulated/engine/block.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <string_view>
#include <utility>

#include "tests/emulated/engine/fault.hpp"
#include "tests/emulated/engine/observer.hpp"

constinit thread_local uint3 threadIdx;
constinit thread_local uint3 blockIdx;
constinit thread_local dim3 blockDim;
constinit thread_local dim3 gridDim;

namespace isobath::emulated {
namespace {

std::atomic<GridObserver*> observer_of_all = nullptr;

unsigned volume(dim3 extents) { return extents.x * extents.y * extents.z; }

uint3 unravel(unsigned number, dim3 extents) {
  return {number % extents.x, number / extents.x % extents.y, number / extents.x / extents.y};
}

constinit thread_local bool own_engine_is_gone = false;

struct OwnEngine {
  Engine engine;
  ~OwnEngine() { own_engine_is_gone = true; }
};

std::string as_text(uint3 index) {
  return '(' + std::to_string(index.x) + ", " + std::to_string(index.y) + ", " + std::to_string(index.z) + ')';
}

}  // namespace

void observe_grids(GridObserver* observer) { observer_of_all = observer; }

std::string place(const Where& where) {
  return std::string(where.file_name()) + ':' + std::to_string(where.line()) + " in " + where.function_name();
}

// At a thread's end the allocator gives its blocks back, and the schedule may choose that moment to run what is queued:
// after the thread's own engine is gone. Then it gets one that nobody destroys.
Engine& Engine::current() {
  thread_local Engine* last = nullptr;
  if (own_engine_is_gone) {
    if (last == nullptr) last = new Engine;
    return *last;
  }
  thread_local OwnEngine own;
  return own.engine;
}

void Engine::thread_main() {
  Engine& engine = current();
  engine.running().fiber->arrived();
  for (;;) {
    try {
      observe(engine.tokens_.begin);
      (*engine.body_)();
    } catch (...) {  // carried over to the host's stack, where the launch throws it
      engine.thrown_ = std::current_exception();
    }
    engine.running().state = ThreadState::Returned;
    engine.yield();
  }
}

void Engine::run(const Grid& grid, const ThreadBody& body) {
  body_ = &body;
  order_ = emulated::order();
  dice_ = Dice(order_.seed);
  count_ = volume(grid.threads);
  while (fibers_.size() <= count_) fibers_.push_back(std::make_unique<Fiber>(&Engine::thread_main));
  threads_.resize(std::max<std::size_t>(threads_.size(), count_));
  sequence_.resize(count_);
  blockDim = grid.threads;
  gridDim = grid.blocks;
  tokens_.begin = tokens_.fresh();
  tokens_.end = tokens_.fresh();
  std::vector<unsigned> blocks(volume(grid.blocks));
  arrange(blocks, order_.kind, dice_);
  GridObserver* const observer = observer_of_all;
  if (observer != nullptr) observer->begins(grid);
  for (const unsigned number : blocks) {
    blockIdx = unravel(number, grid.blocks);
    run_block(grid);
  }
  if (observer != nullptr) observer->ends();
  observe(tokens_.end);
}

void Engine::run_block(const Grid& grid) {
  shared_.begin_block(grid.dynamic_bytes);
  publish(tokens_.begin);
  tokens_.barrier = tokens_.fresh();
  tokens_.warps.assign((count_ + kLanes - 1) / kLanes, nullptr);
  for (char*& token : tokens_.warps) token = tokens_.fresh();
  begin_threads(grid.threads);
  arrange(sequence_, order_.kind, dice_);
  for (;;) {
    run_ready_threads();
    unsigned ready = 0, returned = 0;
    for (unsigned number = 0; number < count_; ++number) {
      ready += threads_[number].state == ThreadState::Ready;
      returned += threads_[number].state == ThreadState::Returned;
    }
    if (returned == count_) return shared_.end_block();
    if (ready == 0) release_barrier();
  }
}

// One fiber stays idle and the others move on by one from block to block. TSan takes what one fiber does for ordered,
// so threads of equal index in neighbouring blocks, which nothing orders, have to be different fibers.
void Engine::begin_threads(dim3 extents) {
  first_fiber_ = (first_fiber_ + 1) % (count_ + 1);
  for (unsigned number = 0; number < count_; ++number) {
    BlockThread& thread = threads_[number];
    thread.fiber = fibers_[(first_fiber_ + number) % (count_ + 1)].get();
    thread.index = unravel(number, extents);
    thread.state = ThreadState::Ready;
  }
}

// Runs every thread that is ready and chosen once, until it waits; whether there was one.
template <class Choose>
bool Engine::run_pass(Choose&& chosen) {
  bool ran = false;
  for (const unsigned number : sequence_) {
    BlockThread& thread = threads_[number];
    if (thread.state != ThreadState::Ready || !chosen(number)) continue;
    running_ = number;
    threadIdx = thread.index;
    thread.fiber->enter();
    ran = true;
    if (!thrown_) continue;
    abandon();
    std::rethrow_exception(std::exchange(thrown_, nullptr));
  }
  return ran;
}

// In random order a warp may rush ahead to where only others can help it, and some threads are passed over for a while.
void Engine::run_ready_threads() {
  constexpr std::uint64_t kRush = 2, kPassOver = 8;
  if (order_.kind != OrderKind::Random) {
    run_pass([](unsigned) { return true; });
    return;
  }
  arrange(sequence_, order_.kind, dice_);
  if (dice_.below(kRush) == 0) {
    const std::uint64_t warp = dice_.below(tokens_.warps.size());
    while (run_pass([warp](unsigned number) { return number / kLanes == warp; })) {
    }
  }
  run_pass([this](unsigned) { return dice_.below(kPassOver) != 0; });
}

// Nobody can run: either all wait at the same barrier, or they wait for ever.
void Engine::release_barrier() {
  const BlockThread& first = threads_[0];
  for (unsigned number = 0; number < count_; ++number) {
    const BlockThread& thread = threads_[number];
    const bool same = thread.state == ThreadState::AtBarrier && thread.where.line() == first.where.line() &&
                      std::string_view(thread.where.file_name()) == first.where.file_name();
    if (same) continue;
    const std::string waiting = describe_waiting();
    abandon();
    throw Fault("block " + as_text(blockIdx) + " of " + std::to_string(count_) + " threads cannot go on:" + waiting);
  }
  for (unsigned number = 0; number < count_; ++number) threads_[number].state = ThreadState::Ready;
  tokens_.barrier = tokens_.fresh();
}

std::string Engine::describe_waiting() const {
  struct Group {
    unsigned first, size;
  };
  std::map<std::string, Group> groups;
  for (unsigned number = 0; number < count_; ++number) {
    const BlockThread& thread = threads_[number];
    std::string what = "has returned";
    if (thread.state == ThreadState::AtBarrier) what = "waits at a barrier, " + place(thread.where);
    if (thread.state == ThreadState::AtCollective) what = "waits in a warp collective, " + place(thread.where);
    ++groups.try_emplace(std::move(what), Group{number, 0}).first->second.size;
  }
  std::string out;
  for (const auto& [what, group] : groups)
    out += "\n  thread " + as_text(threads_[group.first].index) + " and " + std::to_string(group.size - 1) +
           " more: " + what;
  return out;
}

// Fibers in the middle of a kernel forget it; what lies on their stacks is not destroyed.
void Engine::abandon() noexcept {
  observe(tokens_.end);
  for (unsigned number = 0; number < count_; ++number) {
    BlockThread& thread = threads_[number];
    if (thread.state != ThreadState::Returned) thread.fiber->rewind();
    thread.state = ThreadState::Returned;
  }
}

void Engine::yield() {
  publish(tokens_.end);  // of use when the thread never comes back
  running().fiber->leave();
}

void Engine::meet_block(Where where) {
  BlockThread& self = running();
  self.where = where;
  self.state = ThreadState::AtBarrier;
  char* const token = tokens_.barrier;
  publish(token);
  yield();
  observe(token);
}

void Engine::perhaps_yield() {
  constexpr std::uint64_t kStay = 8;
  if (order_.kind == OrderKind::Random && dice_.below(kStay) == 0) yield();
}

void meet_block(Where where) { Engine::current().meet_block(where); }
void perhaps_yield() { Engine::current().perhaps_yield(); }
void* shared_piece(const void* key, std::size_t bytes) { return Engine::current().shared().piece(key, bytes); }
void* dynamic_piece() { return Engine::current().shared().dynamic(); }

}  // namespace isobath::emulated
