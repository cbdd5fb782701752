#include "tests/emulated/nccl/clique.hpp"

#include <algorithm>
#include <chrono>

#include "tests/emulated/engine/fault.hpp"
#include "tests/emulated/graphs/capture.hpp"

namespace isobath::emulated::nccl {
namespace {

using std::chrono::microseconds;
constexpr microseconds kNap{100};
// The first call is in its stream after so many looks, so that who does not look finds out.
constexpr int kLooks = 3;

thread_local bool serves = false;

}  // namespace

Clique::Clique(std::string name, Place place, int device)
    : place_(place), device_(device), mesh_(std::move(name), place), service_([this] { serve(); }) {}

Clique::~Clique() { stop_serving(); }

void Clique::stop_serving() {
  closing_ = true;
  if (service_.joinable()) service_.join();
}

void Clique::serve() {
  serves = true;
  while (!closing_) {
    NodePtr wanted;
    {
      const std::lock_guard lock(mutex_);
      if (!connected_ && state_ == ncclInProgress) {
        state_ = mesh_.connect();
        connected_ = state_ == ncclSuccess;
      }
      mesh_.pump();
      note_lost_peers();
      if (!fault_ && !aborted_) wanted = wanted_node();
    }
    try {
      if (wanted) Scheduler::instance().poll(wanted);
    } catch (...) {  // told to the next thread of the program that comes by
      const std::lock_guard lock(mutex_);
      fault_ = std::current_exception();
    }
    std::this_thread::sleep_for(kNap);
  }
}

// The first collective that a peer has entered and this rank has not, if it is queued here.
NodePtr Clique::wanted_node() {
  std::uint64_t begun = 0;
  for (int peer = 0; peer < place_.size; ++peer)
    for (const Message& message : mesh_.received(peer))
      if (message.call.kind != Kind::Goodbye) begun = std::max(begun, message.call.sequence);
  for (const OperationPtr& operation : operations_)
    if (!operation->entered && operation->request.call.sequence <= begun) return operation->node.lock();
  return nullptr;
}

// A peer that closes without a goodbye is gone.
void Clique::note_lost_peers() {
  if (state_ != ncclSuccess && state_ != ncclInProgress) return;
  for (int peer = 0; peer < place_.size; ++peer) {
    const auto& received = mesh_.received(peer);
    const bool said_goodbye = !received.empty() && received.back().call.kind == Kind::Goodbye;
    if (mesh_.closed(peer) && !said_goodbye) state_ = ncclRemoteError;
  }
}

void Clique::enter(Operation& operation) {
  const Request& request = operation.request;
  for (int peer = 0; peer < place_.size; ++peer) {
    Bytes part = part_for(request.call, place_, peer, request.send);
    if (peer == place_.rank)
      mesh_.received(peer).push_back({request.call, std::move(part)});
    else
      mesh_.send(peer, request.call, part);
  }
  operation.entered = true;
}

void Clique::complete(const Operation& operation) {
  const Call& mine = operation.request.call;
  std::vector<Bytes> parts;
  for (int peer = 0; peer < place_.size; ++peer) {
    Message& message = mesh_.received(peer).front();
    if (!(message.call == mine))
      throw Fault("NCCL: rank " + std::to_string(place_.rank) + " is in " + describe(mine) + ", rank " +
                  std::to_string(peer) + " in " + describe(message.call));
    parts.push_back(std::move(message.data));
  }
  for (int peer = 0; peer < place_.size; ++peer) mesh_.received(peer).pop_front();
  combine(mine, place_, parts, operation.request.receive);
  finished_ = mine.sequence;
  std::erase_if(operations_, [&](const OperationPtr& other) { return other.get() == &operation; });
}

bool Clique::attempt(Operation& operation) {
  const std::lock_guard lock(mutex_);
  if (aborted_) return true;
  if (fault_ && !serves) std::rethrow_exception(std::exchange(fault_, nullptr));
  if (operation.request.call.sequence != finished_ + 1) return false;
  if (!operation.entered) enter(operation);
  mesh_.pump();
  note_lost_peers();
  for (int peer = 0; peer < place_.size; ++peer)
    if (mesh_.received(peer).empty()) return false;
  // For a peer that is further on; one that waits here is served by what was sent.
  if (serves && wanted_node() == nullptr) return false;
  complete(operation);
  return true;
}

void Clique::enqueue(const OperationPtr& operation) {
  Work work;
  work.uses = operation->request.uses;
  // The operation is the stream's: a stream that is left alone at the end of the process keeps it.
  work.attempt = [self = shared_from_this(), operation] { return self->attempt(*operation); };
  Captures::instance().take(operation->request.stream, work);  // throws where the stream is in capture
  const NodePtr node = Scheduler::instance().submit(operation->request.stream, std::move(work));
  const std::lock_guard lock(mutex_);
  operation->node = node;
}

ncclResult_t Clique::look() {
  OperationPtr due;
  {
    const std::lock_guard lock(mutex_);
    if (fault_) std::rethrow_exception(std::exchange(fault_, nullptr));
    if (delayed_ && ++looks_ == kLooks) due = std::exchange(delayed_, nullptr);
  }
  if (due) {
    enqueue(due);
    const std::lock_guard lock(mutex_);
    if (state_ == ncclInProgress) state_ = ncclSuccess;
  }
  NodePtr last;
  {
    const std::lock_guard lock(mutex_);
    if (!finalizing_ || state_ != ncclInProgress) return state_;
    if (!operations_.empty()) last = operations_.back()->node.lock();
  }
  if (last && !Scheduler::instance().poll(last)) return ncclInProgress;
  const std::lock_guard lock(mutex_);
  say_goodbye();
  if (state_ == ncclInProgress && !mesh_.has_unsent()) state_ = ncclSuccess;
  return state_;
}

ncclResult_t Clique::ready() {
  const std::lock_guard lock(mutex_);
  if (fault_) std::rethrow_exception(std::exchange(fault_, nullptr));
  if (finalizing_) return ncclInvalidUsage;
  return state_ == ncclInProgress ? ncclInvalidArgument : state_;
}

ncclResult_t Clique::request(Request request) {
  const auto operation = std::make_shared<Operation>();
  operation->request = std::move(request);
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = next_ == 1;
    operation->request.call.sequence = next_++;
    operations_.push_back(operation);
    if (first) {
      state_ = ncclInProgress;
      delayed_ = operation;
    }
  }
  if (first) return ncclInProgress;
  enqueue(operation);
  return ncclSuccess;
}

void Clique::say_goodbye() {
  if (said_goodbye_) return;
  Call goodbye;
  goodbye.kind = Kind::Goodbye;
  for (int peer = 0; peer < place_.size; ++peer)
    if (peer != place_.rank) mesh_.send(peer, goodbye, {});
  said_goodbye_ = true;
  mesh_.pump();
}

ncclResult_t Clique::finalize() {
  const std::lock_guard lock(mutex_);
  finalizing_ = true;
  return state_ = ncclInProgress;
}

void Clique::destroy() {
  NodePtr last;
  {
    const std::lock_guard lock(mutex_);
    if (!operations_.empty()) last = operations_.back()->node.lock();
  }
  if (last) Scheduler::instance().finish(last);
  const std::unique_lock lock(mutex_);
  say_goodbye();
  while (mesh_.has_unsent()) {
    mesh_.pump();
    std::this_thread::sleep_for(kNap);
  }
}

void Clique::abort() {
  {
    const std::lock_guard lock(mutex_);
    aborted_ = true;
    mesh_.close();
    delayed_ = nullptr;
  }
  stop_serving();
}

}  // namespace isobath::emulated::nccl
