#include "support/ranked/mpi_bodies.hpp"

int main(int argc, char** argv) {
  return isobath::test::main_of_bodies(argc, argv, [](isobath::Communicator&) { return nullptr; });
}
