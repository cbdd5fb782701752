#pragma once
// The communicator of a run on one rank.

#include "parallel/communicator.hpp"

namespace isobath {

/// One rank: reductions are the identity, so nothing moves unless two different buffers were given.
class SelfCommunicator final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  [[nodiscard]] Collective all_reduce(MutableBuffer data, Reduce how) override;
  [[nodiscard]] Collective reduce_scatter(Buffer whole, MutableBuffer mine, Reduce how) override;
  [[nodiscard]] Collective all_gather(Buffer mine, MutableBuffer whole) override;
  [[nodiscard]] Collective broadcast(MutableBuffer data, Root root) override;
  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> mine, Root root) override;
  void barrier() override {}
  std::unique_ptr<Communicator> split(Color color) override;
  void abort(ExitCode code) noexcept override;
};

}  // namespace isobath
