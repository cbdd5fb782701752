// Ranks that end in every way a rank can, for endings.sh, which looks at what mpirun returns.

#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>

#include "parallel/agreement.hpp"
#include "parallel/mpi_session.hpp"

using namespace isobath;

namespace {

[[noreturn]] void work_for_ever(Communicator& world) {
  std::vector<float> data(1 << 20, 1.0F);
  for (;;) world.all_reduce(MutableBuffer::of(data), Reduce::Sum).wait();
}

// The last rank ends as `how` says while the others are inside collectives.
int end(const std::string& how, MpiSession& session) {
  Communicator& world = session.world();
  const bool last = world.rank() == world.size() - 1;
  if (how == "agreed") {  // every rank knows: an orderly end with the code
    session.finish();
    return static_cast<int>(ExitCode::Stopped);
  }
  if (how == "one-fails") {  // one rank cannot start: one error, and every rank ends in order
    on_every_rank(world, [&] {
      if (world.rank() == 1) throw DataError("train.bin is empty; run isobath prepare");
    });
  }
  if (how == "late") {  // the others wait asleep
    if (last) std::this_thread::sleep_for(std::chrono::seconds(1));
    world.barrier();
    return 0;
  }
  if (how == "exchange") {  // until somebody cuts the link
    world.barrier();
    if (world.rank() == 0) std::cout << "exchanging" << std::endl;
    work_for_ever(world);
  }
  const auto private_ranks = world.split(Color{0});
  if (!last) work_for_ever(world);
  if (how == "abort") {
    std::cerr << "rank " << world.rank() << " cannot go on" << std::endl;
    world.abort(ExitCode::Data);
  }
  if (how == "watchdog") {  // another thread ends the job while this one hangs in a collective nobody else makes
    std::thread([&world] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      std::fputs("nothing moves", stdout);  // unflushed
      world.abort(ExitCode::PeerLost);
    }).detach();
    private_ranks->barrier();
  }
  if (how == "throw") throw DataError("an error that leaves the session");
  if (how == "exit") std::exit(3);
  return 1;
}

}  // namespace

int main(int, char** argv) {
  try {
    MpiSession session;
    try {
      return end(argv[1], session);
    } catch (const AgreedError& error) {
      if (error.voice() == Voice::Speaks) std::cerr << error.what() << std::endl;
      session.finish();
      return static_cast<int>(error.code());
    }
  } catch (const Error& error) {
    std::cerr << error.what() << std::endl;
    return static_cast<int>(error.code());
  }
}
