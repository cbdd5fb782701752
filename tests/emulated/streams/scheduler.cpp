#include "tests/emulated/streams/scheduler.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>

namespace isobath::emulated {
namespace {

// Long beside a message between processes, short beside what a test waits for.
constexpr std::chrono::microseconds kNap{100};

// Whether the work is over; `thrown` is what ended it early, null otherwise.
bool run(Work& work, std::exception_ptr& thrown) {
  try {
    for (const PiecePtr& piece : work.uses) require_usable(*piece);
    if (work.attempt && !work.attempt()) return false;
    if (work.run) work.run();
  } catch (...) {
    thrown = std::current_exception();
  }
  for (const PiecePtr& piece : work.uses) --piece->users;
  work = {};
  return true;
}

}  // namespace

Schedule schedule() { return Scheduler::instance().schedule(); }
void set_schedule(Schedule schedule) { Scheduler::instance().set(schedule); }

// Lives as long as the process: threads and statics use streams until the very end.
Scheduler& Scheduler::instance() {
  static Scheduler& instance = *new Scheduler;
  return instance;
}

Schedule Scheduler::schedule() {
  const Lock lock(mutex_);
  return schedule_;
}

void Scheduler::set(Schedule schedule) {
  const Lock lock(mutex_);
  schedule_ = schedule;
  dice_ = Dice(schedule.seed);
}

// CUDA runtime API, "Stream synchronization behavior", legacy default stream.
void Scheduler::order_with_default_stream(Node& node) const {
  const StreamQueue& own = *node.stream;
  if (own.default_stream == DefaultStream::Ignores) return;
  const auto other = own.default_stream == DefaultStream::Orders ? DefaultStream::IsThis : DefaultStream::Orders;
  for (const StreamPtr& stream : active_)
    if (stream->device == own.device && stream->default_stream == other) node.after.push_back(stream->waiting.back());
}

NodePtr Scheduler::submit(const StreamPtr& stream, Work work, NodePtr event) {
  const auto node = std::make_shared<Node>();
  node->stream = stream;
  node->work = std::move(work);
  for (const PiecePtr& piece : node->work.uses) ++piece->users;
  Lock lock(mutex_);
  if (event && event->state != NodeState::Done) node->after.push_back(std::move(event));
  order_with_default_stream(*node);
  if (stream->waiting.empty()) active_.push_back(stream);
  stream->waiting.push_back(node);
  if (schedule_.kind == ScheduleKind::Random)
    while (dice_.below(2) == 0 && run_any(lock)) {
    }
  const bool at_once = schedule_.kind == ScheduleKind::Eager;
  if (at_once)
    while (node->state != NodeState::Done && step_towards(node, lock)) {
    }
  return node;
}

NodePtr Scheduler::awaited(const Node& node) {
  for (const NodePtr& other : node.after)
    if (other->state != NodeState::Done) return other;
  return nullptr;
}

// Whether the front is over; otherwise it waits for other processes.
bool Scheduler::run_front(StreamPtr stream, Lock& lock) {
  const NodePtr node = stream->waiting.front();
  node->state = NodeState::Running;
  lock.unlock();
  std::exception_ptr thrown;
  const bool over = run(node->work, thrown);
  lock.lock();
  node->state = over ? NodeState::Done : NodeState::Queued;
  node->done_at = std::chrono::steady_clock::now();
  if (!over) {
    changed_.notify_all();
    return false;
  }
  node->after.clear();
  stream->waiting.pop_front();
  if (stream->waiting.empty()) std::erase(active_, stream);
  changed_.notify_all();
  if (thrown) std::rethrow_exception(thrown);
  return true;
}

// One front that waits for nothing, drawn by chance; whether there was one, and it ran.
bool Scheduler::run_any(Lock& lock) {
  std::vector<StreamPtr> ready;
  for (const StreamPtr& stream : active_) {
    const Node& front = *stream->waiting.front();
    if (front.state == NodeState::Queued && awaited(front) == nullptr) ready.push_back(stream);
  }
  if (ready.empty()) return false;
  return run_front(ready[dice_.below(ready.size())], lock);
}

// Follows from stream to stream what the goal waits for, and runs the front that waits for nothing. Events order
// streams backward in time only, so the way has an end. False when that front waits for other processes.
bool Scheduler::step_towards(const NodePtr& goal, Lock& lock) {
  StreamPtr stream = goal->stream;
  while (const NodePtr other = awaited(*stream->waiting.front())) stream = other->stream;
  if (stream->waiting.front()->state != NodeState::Running) return run_front(std::move(stream), lock);
  changed_.wait(lock);  // another thread of the host is at it
  return true;
}

bool Scheduler::is_done(const NodePtr& node) {
  const Lock lock(mutex_);
  return node->state == NodeState::Done;
}

void Scheduler::finish(const NodePtr& node) {
  Lock lock(mutex_);
  while (node->state != NodeState::Done) {
    if (schedule_.kind == ScheduleKind::Random && run_any(lock)) continue;
    if (node->state == NodeState::Done || step_towards(node, lock)) continue;  // run_any has let others in
    lock.unlock();
    std::this_thread::sleep_for(kNap);
    lock.lock();
  }
}

bool Scheduler::poll(const NodePtr& node) {
  Lock lock(mutex_);
  if (node->state == NodeState::Done) return true;
  step_towards(node, lock);
  return false;
}

NodePtr Scheduler::last_of(const StreamPtr& stream) {
  const Lock lock(mutex_);
  return stream->waiting.empty() ? nullptr : stream->waiting.back();
}

void Scheduler::finish_device(int device) {
  for (;;) {
    NodePtr last;
    {
      const Lock lock(mutex_);
      for (const StreamPtr& stream : active_)
        if (stream->device == device) last = stream->waiting.back();
    }
    if (!last) return;
    finish(last);
  }
}

}  // namespace isobath::emulated
