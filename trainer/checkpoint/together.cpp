#include "trainer/checkpoint/together.hpp"

#include <map>

#include "parallel/exchange.hpp"

namespace isobath {
namespace {

// The first byte of a message says what it is.
constexpr char kDone = '+', kFailed = '-';

/// "rank 1: MESSAGE" for each different message; "ranks 0 2" when several ranks say the same.
std::string describe_failures(const std::vector<std::string>& outcomes) {
  std::map<std::string, std::string> ranks_of;
  for (std::size_t rank = 0; rank < outcomes.size(); ++rank)
    if (outcomes[rank].front() == kFailed) ranks_of[outcomes[rank].substr(1)] += ' ' + std::to_string(rank);
  std::string failures;
  for (const auto& [message, ranks] : ranks_of)
    failures += (failures.empty() ? "" : "; ") + text(ranks.rfind(' ') ? "ranks" : "rank", ranks, ": ", message);
  return failures;
}

}  // namespace

Outcome attempt(const std::function<std::string()>& work) {
  try {
    return {work(), std::nullopt};
  } catch (const PeerError&) {
    throw;
  } catch (const std::exception& error) {
    return {{}, error.what()};
  }
}

std::vector<std::string> settle(Communicator& ranks, const std::string& what, const Outcome& mine) {
  std::vector<std::string> outcomes = all_gather_text(ranks, mine.error ? kFailed + *mine.error : kDone + mine.result);
  const std::string failures = describe_failures(outcomes);
  if (!failures.empty()) throw StorageError(text(what, ": ", failures));
  for (std::string& outcome : outcomes) outcome.erase(0, 1);
  return outcomes;
}

std::vector<std::string> together(Communicator& ranks, const std::string& what,
                                  const std::function<std::string()>& work) {
  return settle(ranks, what, attempt(work));
}

}  // namespace isobath
