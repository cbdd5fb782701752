#include "trainer/diagnosis.hpp"

#include <algorithm>
#include <cmath>

namespace isobath {
namespace {

constexpr const char* kAdvice =
    "the weights are those before this step; lower optim.learning_rate, raise optim.warmup_steps, or look at the data";

}  // namespace

std::string explain_stop(const StepTotals::Read& read, const FlatParameters& parameters, std::int64_t step) {
  const auto is_finite = [](float value) { return std::isfinite(value); };
  std::string where = "no gradient, so their sum of squares overflowed";
  for (const Parameter* parameter : parameters.parameters()) {
    const std::vector<float> gradient = parameter->gradient.to_vector<float>();
    const auto bad = std::find_if_not(gradient.begin(), gradient.end(), is_finite);
    if (bad == gradient.end()) continue;
    where = text("the gradient of ", parameter->name, " (element ", bad - gradient.begin(), " is ", *bad, ")");
    break;
  }
  return text("step ", step, " is not finite: loss ", read.loss, "; first tensor that is not finite: ", where, "; ",
              kAdvice);
}

}  // namespace isobath
