#pragma once
// Ranks that are MPI processes. Everything here runs on the communication thread.

#include <mpi.h>

#include "parallel/transport/transport.hpp"

namespace isobath {

/// Throws PeerError with MPI's words unless `result` is MPI_SUCCESS.
void check_mpi(int result, const char* call);

class MpiTransport final : public Transport {
 public:
  /// Owns `communicator`, which nobody else uses.
  explicit MpiTransport(MPI_Comm communicator);
  ~MpiTransport() override;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void transfer(std::span<const Outgoing> outgoing, std::span<const Incoming> incoming) override;
  std::unique_ptr<Transport> split(int color) override;
  void abort(ExitCode code) noexcept override;

 private:
  MPI_Comm communicator_;
  int rank_ = 0;
  int size_ = 0;
};

}  // namespace isobath
