#include "ops/top_k/top_k.hpp"

#include <limits>

namespace isobath {
namespace {

void check(const char* op, const Tensor& scores, std::int64_t batch, std::int64_t length) {
  require(scores.dtype() == DType::F32 && scores.count() == batch * length &&
              scores.count() <= std::numeric_limits<std::int32_t>::max(),
          op, ": scores ", scores.shape(), ' ', name_of(scores.dtype()), " for ", batch, " sequences of ", length);
}

struct Indices {
  Tensor rows, positions;
};

Indices make_indices(std::int64_t count, Device device) {
  return {Tensor::empty(Shape{count}, DType::I32, device), Tensor::empty(Shape{count}, DType::I32, device)};
}

}  // namespace

RowSet top_k(const Tensor& scores, std::int64_t batch, std::int64_t length, std::int64_t k) {
  check("top_k", scores, batch, length);
  require(k >= 1 && k <= length, "top_k: ", k, " rows of sequences of ", length);
  const Indices chosen = make_indices(batch * k, scores.device());
  const Tensor offsets = Tensor::empty(Shape{batch + 1}, DType::I32, scores.device());
  on_queue_of(scores.device(), "top_k", [&](auto queue) {
    kernel::top_k(queue, scores.view<const float>(), length, k, chosen.rows.view<std::int32_t>(),
                  offsets.view<std::int32_t>(), chosen.positions.view<std::int32_t>());
  });
  return RowSet::of(chosen.rows, offsets, chosen.positions, batch, length);
}

RowSet rows_above(const Tensor& scores, std::int64_t batch, std::int64_t length, float threshold) {
  check("rows_above", scores, batch, length);
  require(!scores.device().is_meta(),
          "rows_above: on the meta device scores have no values and the count of rows is "
          "unknown; plan with a router of fixed capacity");
  const Tensor offsets = Tensor::empty(Shape{batch + 1}, DType::I32, scores.device());
  Indices chosen;
  on_queue_of(scores.device(), "rows_above", [&](auto queue) {
    const std::int64_t count =
        kernel::count_above(queue, scores.view<const float>(), length, threshold, offsets.view<std::int32_t>());
    chosen = make_indices(count, scores.device());
    kernel::list_above(queue, scores.view<const float>(), length, threshold, offsets.view<const std::int32_t>(),
                       chosen.rows.view<std::int32_t>(), chosen.positions.view<std::int32_t>());
  });
  return RowSet::of(chosen.rows, offsets, chosen.positions, batch, length);
}

}  // namespace isobath
