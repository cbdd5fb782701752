#include "ops/tally/tally.hpp"

namespace isobath {

void tally(const Tensor& totals, std::int64_t index, const Tensor& value) {
  require(index >= 0 && index < totals.count() && value.count() == 1, "tally: index ", index, " of ", totals.shape(),
          " with a value of shape ", value.shape());
  on_queue_of(totals.device(), "tally", [&](auto queue) {
    kernel::tally(queue, totals.slice(index, Shape{1}).view<double>(), value.view<const float>());
  });
}

void tally(const Tensor& totals, std::int64_t index, double value) {
  require(index >= 0 && index < totals.count(), "tally: index ", index, " of ", totals.shape());
  on_queue_of(totals.device(), "tally",
              [&](auto queue) { kernel::tally(queue, totals.slice(index, Shape{1}).view<double>(), value); });
}

void tally_bins(const Tensor& totals, std::int64_t index, const Tensor& values, std::int64_t bins) {
  require(index >= 0 && bins > 0 && index + bins <= totals.count(), "tally_bins: ", bins, " from ", index, " of ",
          totals.shape());
  on_queue_of(totals.device(), "tally_bins", [&](auto queue) {
    kernel::tally_bins(queue, totals.slice(index, Shape{bins}).view<double>(), values.view<const float>());
  });
}

Tensor reciprocal(const Tensor& total) {
  require(total.count() == 1, "reciprocal of ", total.shape());
  Tensor out = Tensor::empty(Shape{1}, DType::F32, total.device());
  on_queue_of(total.device(), "reciprocal",
              [&](auto queue) { kernel::reciprocal(queue, total.view<const double>(), out.view<float>()); });
  return out;
}

}  // namespace isobath
