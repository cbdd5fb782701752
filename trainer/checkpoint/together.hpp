#pragma once
// Work that all ranks do side by side and that fails on all of them or on none, so that nobody waits for a rank that
// gave up.

#include <functional>
#include <string>
#include <vector>

#include "parallel/communicator.hpp"

namespace isobath {

/// Runs `work` on every rank; returns what each returned, in rank order, on every rank. When any rank threw, every rank
/// throws the same StorageError: "WHAT: rank R: MESSAGE", equal messages once. A PeerError passes as it is: then the
/// group itself is lost.
std::vector<std::string> together(Communicator& ranks, const std::string& what,
                                  const std::function<std::string()>& work);

}  // namespace isobath
