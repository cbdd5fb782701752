#pragma once
#include <string>

#include "parallel/gradient_reducer.hpp"
#include "trainer/step_totals.hpp"

namespace isobath {

/// Where the gradients of a step lie after their reduction.
struct ReducedGradients {
  const FlatParameters& parameters;
  const FlatShard& shard;
  const GradientReducer& reducer;
};

/// Why the update of `step` was withheld, for the user: whether the loss or which parameter's gradient is not finite,
/// and what may help. Equal text on every rank. Collective. Reads the gradients back: only for a run that ends.
std::string explain_stop(const StepTotals::Read& read, const ReducedGradients& gradients, std::int64_t step,
                         Communicator& ranks);

}  // namespace isobath
