#include "ops/tally/tally.hpp"

namespace isobath {

void tally(const Tensor& totals, std::int64_t index, const Tensor& value) {
  require(index >= 0 && index < totals.count() && value.count() == 1, "tally: index ", index, " of ", totals.shape(),
          " with a value of shape ", value.shape());
  on_cpu_queue_of(totals.device(), "tally",
                  [&](CpuQueue) { totals.view<double>()[index] += static_cast<double>(value.view<const float>()[0]); });
}

}  // namespace isobath
