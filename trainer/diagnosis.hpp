#pragma once
#include <string>

#include "parallel/flat_parameters.hpp"
#include "trainer/step_totals.hpp"

namespace isobath {

/// Why the update of `step` was withheld, for the user: whether the loss or which parameter's gradient is not finite,
/// and what may help. Equal text on every rank, for gradients are equal after their reduction. Reads the gradients
/// back: only for a run that ends.
std::string explain_stop(const StepTotals::Read& read, const FlatParameters& parameters, std::int64_t step);

}  // namespace isobath
