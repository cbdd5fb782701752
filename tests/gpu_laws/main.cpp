#include <cstdlib>

#include "parallel/nccl_communicator.hpp"
#include "support/device.hpp"
#include "support/ranked/mpi_bodies.hpp"

using namespace isobath;

namespace {

constexpr int kSkipped = 77;  // as CMakeLists.txt tells ctest

#ifdef ISOBATH_EMULATED_CUDA
constexpr bool kIsEmulated = true;
#else
constexpr bool kIsEmulated = false;
#endif

}  // namespace

int main(int argc, char** argv) {
  setenv("ISOBATH_TEST_DEVICE", "cuda", 1);
  const LocalRank local = local_rank(process_environment());
  // NCCL takes a device once per communicator; the emulation gives each process its own.
  const bool has_devices = kIsEmulated || local.size <= cuda_device_count();
  if (cuda_device_count() == 0 || !has_devices) {
    if (local.rank == 0)
      std::cout << "skipped: " << local.size << " ranks need as many GPUs: " << cuda_status() << std::endl;
    return kSkipped;
  }
  return test::main_of_bodies(argc, argv,
                              [](Communicator& world) { return nccl_communicator(world, test::device(), {}); });
}
