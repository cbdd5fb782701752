#include "ops/rope/rope.hpp"

#include <cmath>
#include <vector>

#include "ops/autograd/tape.hpp"
#include "ops/core/threads.hpp"

namespace isobath {
namespace {

void turn(const Tensor& x, const Tensor& table, const RowSet& rows, kernel::Turn direction, const GradTarget& to) {
  on_queue_of(x.device(), "rope", [&](auto queue) {
    const kernel::RowPositions positions{
        rows.is_all() ? View<const std::int32_t>{} : rows.positions().view<const std::int32_t>(), rows.length()};
    on_float_type(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::rope<T>(queue, x.view<const T>(), table.view<const float>(), positions, direction, to.mode,
                      to.tensor.view<T>());
    });
  });
}

}  // namespace

Tensor rope_table(std::int64_t positions, std::int64_t width, double base, Device device) {
  require(width > 0 && width % 2 == 0 && base > 0.0, "rope_table: ", width, " channels, base ", base);
  const Shape shape{positions, width};
  if (device.is_meta()) return Tensor::empty(shape, DType::F32, device);
  const std::int64_t pairs = width / 2;
  std::vector<double> speed(static_cast<std::size_t>(pairs));
  for (std::int64_t j = 0; j < pairs; ++j)
    speed[static_cast<std::size_t>(j)] = std::pow(base, -2.0 * static_cast<double>(j) / static_cast<double>(width));
  std::vector<float> table(static_cast<std::size_t>(shape.count()));
  parallel_for(positions, row_grain(width), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p)
      for (std::int64_t j = 0; j < pairs; ++j) {
        const double angle = static_cast<double>(p) * speed[static_cast<std::size_t>(j)];
        table[static_cast<std::size_t>(p * width + j)] = static_cast<float>(std::cos(angle));
        table[static_cast<std::size_t>(p * width + pairs + j)] = static_cast<float>(std::sin(angle));
      }
  });
  return Tensor::from(shape, table, device);
}

Tensor rope(const Tensor& x, const Tensor& table, const RowSet& rows) {
  require(x.shape().rank() == 2 && table.shape().rank() == 2 && table.dim(1) > 0 && x.dim(1) % table.dim(1) == 0 &&
              x.dim(0) == rows.size() && rows.length() <= table.dim(0) && table.dtype() == DType::F32 &&
              table.device() == x.device(),
          "rope: x ", x.shape(), " on ", x.device(), " for ", rows.size(), " rows of sequences of ", rows.length(),
          ", table ", table.shape(), " on ", table.device());
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
  turn(x, table, rows, kernel::Turn::Forth, {out, Accumulate::Overwrite});
  record("rope", {&x}, out, [table, rows](const Tensor& grad_out, const InputGrads& inputs) {
    turn(grad_out, table, rows, kernel::Turn::Back, inputs.target(0));
  });
  return out;
}

}  // namespace isobath
