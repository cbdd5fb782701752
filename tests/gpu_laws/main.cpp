// Bodies on NCCL's ranks.

#include "parallel/nccl_communicator.hpp"
#include "support/ranked/mpi_bodies.hpp"
#include "tests/gpu_laws/own_device.hpp"

using namespace isobath;

int main(int argc, char** argv) {
  if (!test::take_own_device()) return test::kSkipped;
  return test::main_of_bodies(argc, argv,
                              [](Communicator& world) { return nccl_communicator(world, test::device(), {}); });
}
