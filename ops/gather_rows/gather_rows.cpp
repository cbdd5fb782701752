#include "ops/gather_rows/gather_rows.hpp"

#include "ops/autograd/tape.hpp"

namespace isobath {
namespace {

void check(const Tensor& x, const Tensor& rows) {
  require(
      x.shape().rank() == 2 && rows.shape().rank() == 1 && rows.dtype() == DType::I32 && rows.device() == x.device(),
      "gather_rows: x ", x.shape(), ' ', name_of(x.dtype()), " on ", x.device(), ", rows ", rows.shape(), ' ',
      name_of(rows.dtype()), " on ", rows.device());
}

void check_range(const Tensor& rows, std::int64_t limit) {
  if (!rows.device().is_cpu()) return;  // the host does not look into device memory within a step
  const View<const std::int32_t> view = rows.view<const std::int32_t>();
  for (std::int64_t i = 0; i < view.count(); ++i)
    require(view[i] >= 0 && view[i] < limit, "gather_rows: row ", view[i], " at ", i, " of a tensor of ", limit,
            " rows");
}

Tensor gather(const Tensor& x, const Tensor& rows, RowOrder order) {
  check(x, rows);
  Tensor out = Tensor::empty(Shape{rows.dim(0), x.dim(1)}, x.dtype(), x.device());
  count_bytes("gather_rows", 2 * out.bytes());
  on_queue_of(x.device(), "gather_rows", [&](auto queue) {
    on_float_type(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::gather_rows<T>(queue, x.view<const T>(), rows.view<const std::int32_t>(), out.view<T>());
    });
  });
  record("gather_rows", {&x}, out, [rows, order](const Tensor& grad_out, const InputGrads& inputs) {
    const GradTarget to = inputs.target(0);
    count_bytes("gather_rows", grad_out.bytes() + to.tensor.bytes());
    on_queue_of(grad_out.device(), "gather_rows", [&](auto queue) {
      on_float_type(grad_out.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        kernel::gather_rows_backward<T>(queue, grad_out.view<const T>(), rows.view<const std::int32_t>(), order,
                                        to.mode, to.tensor.view<T>());
      });
    });
  });
  return out;
}

}  // namespace

Tensor gather_rows(const Tensor& x, const Tensor& rows) {
  check(x, rows);
  check_range(rows, x.dim(0));
  return gather(x, rows, RowOrder::Any);
}

Tensor gather_rows(const Tensor& x, const RowSet& rows) {
  require(x.shape().rank() == 2 && x.dim(0) == rows.total(), "gather_rows: x ", x.shape(), " for a batch of ",
          rows.total(), " rows");
  return rows.is_all() ? x : gather(x, rows.rows(), RowOrder::Ascending);
}

}  // namespace isobath
