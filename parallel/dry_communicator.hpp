#pragma once
#include "parallel/communicator.hpp"

namespace isobath {

/// Rank 0 of any number of ranks that are not there, for tensors without storage: what a rank would allocate and
/// compute is seen without starting the others. A buffer with data, and everything that waits for an answer, is an
/// InternalError.
class DryCommunicator final : public Communicator {
 public:
  explicit DryCommunicator(int size) : size_(size) {}

  int rank() const override { return 0; }
  int size() const override { return size_; }
  [[nodiscard]] Collective all_reduce(MutableBuffer data, Reduce how) override;
  [[nodiscard]] Collective reduce_scatter(Buffer whole, MutableBuffer mine, Reduce how) override;
  [[nodiscard]] Collective all_gather(Buffer mine, MutableBuffer whole) override;
  [[nodiscard]] Collective broadcast(MutableBuffer data, Root root) override;
  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> mine, Root root) override;
  void barrier() override;
  std::unique_ptr<Communicator> split(Color color) override;
  void abort(ExitCode code) noexcept override;

 private:
  int size_;
};

}  // namespace isobath
