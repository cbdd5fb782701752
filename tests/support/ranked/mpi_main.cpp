// Every rank runs every test in the same order. Rank 0 reports; the others speak only of failures.

#include <iostream>

#include "parallel/mpi_session.hpp"
#include "support/ranked/bodies.hpp"

using namespace isobath;

namespace {

class FailuresOnly : public testing::EmptyTestEventListener {
 public:
  explicit FailuresOnly(int rank) : rank_(rank) {}
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.failed())
      std::cerr << "rank " << rank_ << ": " << result.file_name() << ':' << result.line_number() << ": "
                << result.message() << std::endl;
  }

 private:
  int rank_;
};

// A rank whose body threw has left the others alone in theirs: the job ends.
void run(const test::Body& body, Communicator& world) {
  try {
    body.run(world);
  } catch (const std::exception& error) {
    std::cerr << "rank " << world.rank() << ": " << body.suite << '.' << body.name << ": " << error.what() << std::endl;
    world.abort(ExitCode::Internal);
  }
  world.barrier();
}

}  // namespace

int main(int argc, char** argv) {
  MpiSession session(CallCheck::On);
  Communicator& world = session.world();
  for (const test::Body& body : test::bodies()) test::add_test(body, "", [&] { run(body, world); });
  testing::InitGoogleTest(&argc, argv);
  if (world.rank() != 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailuresOnly(world.rank()));
  }
  const int result = RUN_ALL_TESTS();
  session.finish();
  return result;
}
