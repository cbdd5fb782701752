#pragma once
// Ranks see a signal at different moments, or only one of them sees it: they end together all the same.

#include "parallel/agreement.hpp"

namespace isobath {

/// Thrown on every rank when one of them was asked to stop: work ends in order, with code 75. Rank 0 speaks.
class StoppedOnRequest : public AgreedError {
 public:
  /// `when` completes "stopped on request ...", e.g. "at step 7"; `then` says what the same command does next.
  StoppedOnRequest(const Communicator& ranks, const std::string& when,
                   const std::string& then = "the same command goes on from there");
};

/// Throws StoppedOnRequest on every rank if stop_requested() on one of them. Collective: one small message.
void leave_if_asked(Communicator& ranks, const std::string& when,
                    const std::string& then = "the same command goes on from there");

}  // namespace isobath
