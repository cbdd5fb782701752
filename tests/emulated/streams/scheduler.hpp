#pragma once
// The queues of all streams, and who runs what is in them: the threads of the host, within their calls, as the schedule
// says. Work of one stream runs in order; work of two streams in any order that events allow.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "tests/emulated/engine/order.hpp"
#include "tests/emulated/streams/pieces.hpp"
#include "tests/emulated/streams/schedule.hpp"

namespace isobath::emulated {

/// What is queued: a call, and the memory that it names. Without a call it is a mark, which an event or a wait needs.
struct Work {
  std::function<void()> run;
  std::vector<PiecePtr> uses;
  /// In place of `run`, for work that other processes have a part in: does what can be done now, never waits, and says
  /// whether that was all. Until then the work keeps its place.
  std::function<bool()> attempt = {};
};

enum class NodeState { Queued, Running, Done };

struct StreamQueue;

/// Work in its place.
struct Node {
  Work work;
  std::shared_ptr<StreamQueue> stream;
  std::vector<std::shared_ptr<Node>> after;  // in other streams
  NodeState state = NodeState::Queued;
  std::chrono::steady_clock::time_point done_at = {};
};
using NodePtr = std::shared_ptr<Node>;

/// Whether the legacy default stream orders a stream.
enum class DefaultStream { Orders, Ignores, IsThis };

struct StreamQueue {
  int device = 0;
  DefaultStream default_stream = DefaultStream::Ignores;
  std::deque<NodePtr> waiting;  // what is Running is still the front
};
using StreamPtr = std::shared_ptr<StreamQueue>;

class Scheduler {
 public:
  static Scheduler& instance();

  Schedule schedule();
  void set(Schedule schedule);

  /// Appends work to a stream, to run after `event` too where that is not null. Whatever runs in this call and throws
  /// (Fault) reaches the caller.
  NodePtr submit(const StreamPtr& stream, Work work, NodePtr event = nullptr);
  /// Whether the node has run; runs nothing.
  bool is_done(const NodePtr& node);
  /// Runs what the node needs, and the node.
  void finish(const NodePtr& node);
  /// Whether the node has run. If not, something that it needs has run on return: who polls gets there.
  bool poll(const NodePtr& node);
  /// The last work of a stream; null when all has run.
  NodePtr last_of(const StreamPtr& stream);
  /// Runs everything on a device.
  void finish_device(int device);

 private:
  using Lock = std::unique_lock<std::mutex>;

  void order_with_default_stream(Node& node) const;
  bool run_front(StreamPtr stream, Lock& lock);
  bool run_any(Lock& lock);
  bool step_towards(const NodePtr& goal, Lock& lock);
  static NodePtr awaited(const Node& node);

  std::mutex mutex_;
  std::condition_variable changed_;
  Schedule schedule_ = schedule_from_environment();
  Dice dice_{schedule_.seed};
  std::vector<StreamPtr> active_;  // streams with work, in the order in which they got it
};

}  // namespace isobath::emulated
