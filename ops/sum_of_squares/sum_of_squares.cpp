#include "ops/sum_of_squares/sum_of_squares.hpp"

#include "ops/sum/sum_partial.hpp"

namespace isobath {

void sum_of_squares(const Tensor& x, const Tensor& out, Accumulate mode) {
  require(x.dtype() == DType::F32 && out.dtype() == DType::F64 && out.count() == 1 && out.device() == x.device(),
          "sum_of_squares: x ", name_of(x.dtype()), " on ", x.device(), ", out ", out.shape(), ' ',
          name_of(out.dtype()), " on ", out.device());
  count_bytes("sum_of_squares", x.bytes());
  const Tensor partial = kernel::partial_sums(x.count(), x.device());
  on_queue_of(x.device(), "sum_of_squares", [&](auto queue) {
    kernel::sum_of_squares(queue, x.view<const float>(), partial.view<double>(), out.view<double>(), mode);
  });
}

}  // namespace isobath
