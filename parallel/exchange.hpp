#pragma once
// Small messages of any length, as the start of a run and its checkpoints exchange them. All of these wait.

#include <cstddef>
#include <string>
#include <vector>

#include "parallel/communicator.hpp"

namespace isobath {

/// The root's bytes, on every rank. What the others pass is ignored.
std::vector<std::byte> broadcast_bytes(Communicator& ranks, std::vector<std::byte> bytes, Root root = {});
/// The root's text, on every rank. What the others pass is ignored.
std::string broadcast_text(Communicator& ranks, const std::string& message, Root root = {});
/// Every rank's text in rank order on the root; empty on the others.
std::vector<std::string> gather_text(Communicator& ranks, const std::string& mine, Root root = {});
/// Every rank's text in rank order, on every rank.
std::vector<std::string> all_gather_text(Communicator& ranks, const std::string& mine);

}  // namespace isobath
