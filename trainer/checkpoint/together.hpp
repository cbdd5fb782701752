#pragma once
// Work that all ranks do side by side and that fails on all of them or on none, so that nobody waits for a rank that
// gave up.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "parallel/communicator.hpp"

namespace isobath {

/// What came of one rank's work.
struct Outcome {
  std::string result;
  std::optional<std::string> error;
};

/// Runs `work` here and keeps its error. A PeerError passes as it is: then the group itself is lost.
Outcome attempt(const std::function<std::string()>& work);

/// What each rank passes, in rank order, on every rank. When any has an error, every rank throws the same StorageError:
/// "WHAT: rank R: MESSAGE", equal messages once.
std::vector<std::string> settle(Communicator& ranks, const std::string& what, const Outcome& mine);

/// Both: `work` on every rank, and what each returned, on every rank.
std::vector<std::string> together(Communicator& ranks, const std::string& what,
                                  const std::function<std::string()>& work);

}  // namespace isobath
