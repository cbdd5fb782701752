#pragma once
// Ranks as threads of one process, so that distributed logic is tested without processes and under sanitizers.

#include <functional>

#include "parallel/communicator.hpp"
#include "parallel/transport/call_check.hpp"

namespace isobath {

struct ThreadRanks {
  int count = 1;
  CallCheck check = kDefaultCallCheck;
};

/// Runs body(communicator) on `ranks.count` threads with a communication thread and one kernel thread each, and returns
/// when all have ended. An exception that leaves a body breaks the group, so that no other rank waits for ever; the
/// first one is thrown here, a PeerError only if there is no other. Tensors must not outlive the thread that made them.
void run_ranks(ThreadRanks ranks, const std::function<void(Communicator&)>& body);

}  // namespace isobath
