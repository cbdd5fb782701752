#include "ops/scatter_add_rows/scatter_add_rows.hpp"

#include "ops/add/add.hpp"
#include "ops/autograd/tape.hpp"

namespace isobath {
namespace {

void check(const Tensor& base, const Tensor& update, const RowSet& rows) {
  require(base.shape().rank() == 2 && base.dim(0) == rows.total() &&
              update.shape() == Shape{rows.size(), base.dim(1)} && update.dtype() == base.dtype() &&
              update.device() == base.device() && (rows.is_all() || rows.rows().device() == base.device()),
          "scatter_add_rows: base ", base.shape(), ' ', name_of(base.dtype()), " on ", base.device(), ", update ",
          update.shape(), ' ', name_of(update.dtype()), " on ", update.device(), " for ", rows.size(), " of ",
          rows.total(), " rows");
}

void gather_gradient(const Tensor& grad_out, const RowSet& rows, const GradTarget& to) {
  count_bytes("scatter_add_rows", 2 * to.tensor.bytes());
  on_queue_of(grad_out.device(), "scatter_add_rows", [&](auto queue) {
    on_float_type(grad_out.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::scatter_add_rows_backward<T>(queue, grad_out.view<const T>(), rows.rows().view<const std::int32_t>(),
                                           to.mode, to.tensor.view<T>());
    });
  });
}

}  // namespace

Tensor scatter_add_rows(const Tensor& base, const Tensor& update, const RowSet& rows) {
  check(base, update, rows);
  if (rows.is_all()) return add(base, update);
  Tensor out = Tensor::empty(base.shape(), base.dtype(), base.device());
  count_bytes("scatter_add_rows", 2 * base.bytes() + update.bytes());
  on_queue_of(base.device(), "scatter_add_rows", [&](auto queue) {
    on_float_type(base.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::scatter_add_rows<T>(queue, base.view<const T>(), update.view<const T>(),
                                  rows.rows().view<const std::int32_t>(), out.view<T>());
    });
  });
  record("scatter_add_rows", {&base, &update}, out, [rows](const Tensor& grad_out, const InputGrads& inputs) {
    if (inputs.wants(1)) gather_gradient(grad_out, rows, inputs.target(1));
    inputs.add(0, grad_out);
  });
  return out;
}

}  // namespace isobath
