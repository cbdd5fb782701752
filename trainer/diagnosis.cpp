#include "trainer/diagnosis.hpp"

#include <algorithm>
#include <cmath>

namespace isobath {
namespace {

constexpr const char* kAdvice =
    "the weights are those before this step; lower optim.learning_rate, raise optim.warmup_steps, or look at the data";

/// Place in the flat buffers of the first element of this rank's shard that is not finite, or the buffers' end.
std::int64_t first_bad(const ReducedGradients& gradients) {
  for (const ShardSegment& segment : gradients.shard.segments()) {
    const std::vector<float> values = gradients.reducer.sums(segment).to_vector<float>();
    const auto bad = std::find_if_not(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
    if (bad != values.end()) return segment.flat.begin + (bad - values.begin());
  }
  return gradients.parameters.layout().total();
}

std::string name_of_place(const FlatParameters& parameters, std::int64_t place) {
  for (const FlatPiece& piece : parameters.layout().pieces())
    if (piece.range.begin <= place && place < piece.range.end)
      return text("the gradient of ", parameters.parameters()[piece.item]->name, " (element ",
                  place - piece.range.begin, ")");
  return "no gradient, so their sum of squares overflowed";
}

}  // namespace

std::string explain_stop(const StepTotals::Read& read, const ReducedGradients& gradients, std::int64_t step,
                         Communicator& ranks) {
  std::vector<std::int64_t> place{first_bad(gradients)};
  ranks.all_reduce(MutableBuffer::of(place), Reduce::Min).wait();
  return text("step ", step, " is not finite: loss ", read.loss,
              "; first tensor that is not finite: ", name_of_place(gradients.parameters, place[0]), "; ", kAdvice);
}

}  // namespace isobath
