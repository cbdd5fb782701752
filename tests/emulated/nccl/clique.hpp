#pragma once
// One rank of a communicator: its calls, in order, and a thread of its own that keeps the sockets moving.

#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "tests/emulated/nccl/call.hpp"
#include "tests/emulated/nccl/mesh.hpp"
#include "tests/emulated/streams/scheduler.hpp"

namespace isobath::emulated::nccl {

/// A collective as it was called.
struct Request {
  Call call;
  const std::byte* send = nullptr;
  std::byte* receive = nullptr;
  StreamPtr stream;
  std::vector<PiecePtr> uses;
};

/// A collective runs when its stream runs it, as other work does. Where a peer's has begun and waits for this rank's,
/// that counts as somebody who waits: a device would not need its host for that. It then runs only as far as the peer
/// needs it.
class Clique : public std::enable_shared_from_this<Clique> {
 public:
  Clique(std::string name, Place place, int device);
  ~Clique();
  Clique(const Clique&) = delete;
  Clique& operator=(const Clique&) = delete;

  Place place() const { return place_; }
  int device() const { return device_; }
  /// Where the communicator stands; a look moves it on.
  ncclResult_t look();
  /// ncclSuccess when a call may be made now; otherwise what that call has to answer.
  ncclResult_t ready();
  /// Queues the request; ncclInProgress for the first one, which the third look() puts into its stream.
  ncclResult_t request(Request request);
  ncclResult_t finalize();
  /// Runs what is queued and says goodbye.
  void destroy();
  /// Every queued collective ends without a result.
  void abort();

 private:
  struct Operation {
    Request request;
    bool entered = false;
    std::weak_ptr<Node> node;  // where it is queued
  };
  using OperationPtr = std::shared_ptr<Operation>;

  void serve();
  void enqueue(const OperationPtr& operation);
  bool attempt(Operation& operation);
  void enter(Operation& operation);
  void complete(const Operation& operation);
  void note_lost_peers();
  NodePtr wanted_node();
  void say_goodbye();
  void stop_serving();

  const Place place_;
  const int device_;
  std::mutex mutex_;
  Mesh mesh_;
  ncclResult_t state_ = ncclInProgress;
  bool connected_ = false, aborted_ = false, finalizing_ = false, said_goodbye_ = false;
  std::exception_ptr fault_;  // of work that this object's thread ran
  std::uint64_t next_ = 1, finished_ = 0;
  std::deque<OperationPtr> operations_;  // not finished
  OperationPtr delayed_;
  int looks_ = 0;  // since the delayed one was called
  std::atomic<bool> closing_ = false;
  std::thread service_;
};

}  // namespace isobath::emulated::nccl
