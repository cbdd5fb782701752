#pragma once
// The main function of programs whose ranks are processes. Every rank runs every test in the same order. Rank 0
// reports; the others speak only of failures.

#include <functional>
#include <iostream>
#include <memory>

#include "parallel/mpi_session.hpp"
#include "support/ranked/bodies.hpp"

namespace isobath::test {

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
inline void run_body(const Body& body, Communicator& ranks) {
  try {
    body.run(ranks);
  } catch (const std::exception& error) {
    std::cerr << "rank " << ranks.rank() << ": " << body.suite << '.' << body.name << ": " << error.what() << std::endl;
    ranks.abort(ExitCode::Internal);
  }
  ranks.barrier();
}

/// Runs the bodies on what `make` makes of all ranks; on those themselves where it makes nothing.
inline int main_of_bodies(int argc, char** argv,
                          const std::function<std::unique_ptr<Communicator>(Communicator&)>& make) {
  MpiSession session(CallCheck::On);
  const int rank = session.world().rank();
  std::unique_ptr<Communicator> made = make(session.world());
  Communicator& ranks = made ? *made : session.world();
  for (const Body& body : bodies()) add_test(body, "", [&] { run_body(body, ranks); });
  testing::InitGoogleTest(&argc, argv);
  if (rank != 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailuresOnly(rank));
  }
  const int result = RUN_ALL_TESTS();
  made = nullptr;
  session.finish();
  return result;
}

}  // namespace isobath::test
