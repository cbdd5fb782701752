#pragma once
#include <cstdint>
#include <vector>

#include "trainer/replica.hpp"

namespace isobath {

struct SampleOptions {
  std::int64_t tokens = 200;  ///< to generate
  double temperature = 1.0;   ///< 0: always the most likely token
  std::int64_t top_k = 0;     ///< draw among the k most likely; 0: among all
  std::uint64_t seed = 1;
};

/// Continues `prompt`, which has at least one token: the whole window of at most `context` tokens is computed again for
/// each new one. The rule must be causal, or InternalError: a rule that looks ahead would decide differently once the
/// next token is there. Draws are functions of (seed, index of the token). Returns the new tokens.
std::vector<std::int32_t> sample(const Replica& replica, const Router& rule, std::vector<std::int32_t> prompt,
                                 const SampleOptions& options);

}  // namespace isobath
