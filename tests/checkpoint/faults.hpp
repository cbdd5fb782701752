#pragma once
// The system calls that storage depends on, watched and made to fail. faults.cpp defines write, pwrite, pread, fsync,
// rename and open for the whole test program, HDF5's library included; without a plan they do what they always do.

#include <string>
#include <vector>

namespace isobath::test {

/// The `call` fails with `error` (an errno value) for files whose path contains `path`; `spare` calls pass before.
struct Fault {
  std::string call;
  std::string path;
  int error = 0;
  int spare = 0;
};

/// One call, in the order of being made; `path` is the file's name at that moment, for rename the source.
struct Call {
  std::string call;
  std::string path;
  const void* data = nullptr;  ///< of pwrite and pread
  std::size_t bytes = 0;
};

/// While it lives, calls are recorded and the fault happens. One at a time.
class FaultPlan {
 public:
  explicit FaultPlan(Fault fault = {});
  ~FaultPlan();
  FaultPlan(const FaultPlan&) = delete;
  FaultPlan& operator=(const FaultPlan&) = delete;
  std::vector<Call> calls() const;
  /// How often the fault has happened.
  int hits() const;
};

}  // namespace isobath::test
