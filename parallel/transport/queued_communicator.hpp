#pragma once
// A communicator over any transport: calls are checked here and carried out by the communication thread.

#include <memory>

#include "parallel/communicator.hpp"
#include "parallel/transport/call_check.hpp"
#include "parallel/transport/comm_thread.hpp"
#include "parallel/transport/transport.hpp"

namespace isobath {

/// Moves CPU memory: a CUDA buffer is a BackendError. Communicators that share a thread share its order.
class QueuedCommunicator final : public Communicator {
 public:
  QueuedCommunicator(std::shared_ptr<CommThread> thread, std::shared_ptr<Transport> transport, CallCheck check);
  /// The transport is closed by the communication thread, after what is still to be done.
  ~QueuedCommunicator() override;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  [[nodiscard]] Collective all_reduce(MutableBuffer data, Reduce how) override;
  [[nodiscard]] Collective reduce_scatter(Buffer whole, MutableBuffer mine, Reduce how) override;
  [[nodiscard]] Collective all_gather(Buffer mine, MutableBuffer whole) override;
  [[nodiscard]] Collective broadcast(MutableBuffer data, Root root) override;
  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> mine, Root root) override;
  void barrier() override;
  std::unique_ptr<Communicator> split(Color color) override;
  void abort(ExitCode code) noexcept override;
  std::shared_ptr<CollectiveRing> ring() const override { return thread_->ring(); }

 private:
  template <class Body>
  Collective enqueue(const Call& call, Body body);
  void check(Root root) const;

  std::shared_ptr<CommThread> thread_;
  std::shared_ptr<Transport> transport_;
  CallCheck check_;
  int rank_;
  int size_;
  int group_;  // its number in the ring
};

}  // namespace isobath
