#include "gpu_ranks/ranks.hpp"
#include "support/ranked/mpi_bodies.hpp"

using namespace isobath;

namespace {

constexpr int kSkipped = 77;  // as CMakeLists.txt tells ctest

}  // namespace

int main(int argc, char** argv) {
  const LocalRank local = local_rank(process_environment());
  if (cuda_device_count() == 0) {
    if (local.rank == 0) std::cout << "skipped: no GPU: " << cuda_status() << std::endl;
    return kSkipped;
  }
  // NCCL takes a device once per communicator; the emulation gives each process its own.
  if (!test::kIsEmulated && local.size > cuda_device_count()) {
    if (local.rank == 0) std::cout << "skipped: " << local.size << " ranks need as many GPUs" << std::endl;
    return kSkipped;
  }
  return test::main_of_bodies(argc, argv,
                              [](Communicator& world) { return nccl_communicator(world, test::device(), {}); });
}
