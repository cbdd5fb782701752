#include "ops/embedding/embedding.hpp"

#include "ops/autograd/tape.hpp"
#include "ops/gather_rows/gather_rows.hpp"

// A look-up is a gather of table rows, and so is its gradient; what is its own is the message to whoever brought ids
// that the table does not have.

namespace isobath {
namespace {

void check_ids(const Tensor& ids, std::int64_t rows) {
  if (!ids.device().is_cpu()) return;
  const View<const std::int32_t> view = ids.view<const std::int32_t>();
  for (std::int64_t i = 0; i < view.count(); ++i)
    if (view[i] < 0 || view[i] >= rows) [[unlikely]]
      throw DataError(text("embedding: id ", view[i], " at index ", i, " is outside the table of ", rows,
                           " rows; was the data prepared with another vocabulary?"));
}

}  // namespace

Tensor embedding(const Tensor& table, const Tensor& ids) {
  require(table.shape().rank() == 2 && ids.shape().rank() == 1 && ids.dtype() == DType::I32 &&
              ids.device() == table.device(),
          "embedding: table ", table.shape(), " on ", table.device(), ", ids ", ids.shape(), ' ', name_of(ids.dtype()),
          " on ", ids.device());
  check_ids(ids, table.dim(0));
  Tensor out = Tensor::empty(Shape{ids.dim(0), table.dim(1)}, table.dtype(), table.device());
  count_bytes("embedding", 2 * out.bytes());
  on_queue_of(table.device(), "embedding", [&](auto queue) {
    on_float_type(table.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::gather_rows<T>(queue, table.view<const T>(), ids.view<const std::int32_t>(), out.view<T>());
    });
  });
  record("embedding", {&table}, out, [ids](const Tensor& grad_out, const InputGrads& inputs) {
    const GradTarget to = inputs.target(0);
    count_bytes("embedding", grad_out.bytes() + to.tensor.bytes());
    on_queue_of(grad_out.device(), "embedding", [&](auto queue) {
      on_float_type(grad_out.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        kernel::gather_rows_backward<T>(queue, grad_out.view<const T>(), ids.view<const std::int32_t>(), RowOrder::Any,
                                        to.mode, to.tensor.view<T>());
      });
    });
  });
  return out;
}

}  // namespace isobath
