// Bodies that run whole trainings, which make NCCL's ranks of the host's themselves.

#include "support/ranked/mpi_bodies.hpp"
#include "tests/gpu_laws/own_device.hpp"

using namespace isobath;

int main(int argc, char** argv) {
  if (!test::take_own_device()) return test::kSkipped;
  return test::main_of_bodies(argc, argv, [](Communicator&) { return nullptr; });
}
