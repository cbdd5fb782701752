// gather_rows and its gradient on each device. Rows are moved, and sums run in ascending order in f32: the expected
// values are exact, bit for bit, on every device.

#include "ops/gather_rows/gather_rows.hpp"

#include <limits>
#include <numeric>

#include "gpu/devices.hpp"
#include "ops/autograd/tape.hpp"

namespace isobath {
namespace {

using test::equal_bits;
using test::random_values;
using test::rounded;
using test::shifted;

class GatherRows : public test::OnDevice {};

// N rows of C elements, of which K are gathered.
struct Case {
  std::int64_t n, c, k;
};
// Rows of one element, of an odd count, of exactly 16 bytes, of more than one strip of a block; no rows at all.
constexpr Case kCases[] = {{5, 1, 9},     {7, 3, 20},     {9, 4, 8},     {33, 8, 40},
                           {20, 130, 33}, {300, 64, 700}, {6, 1032, 50}, {4, 8, 0}};

std::vector<std::int32_t> any_rows(const Case& shape) {
  std::vector<std::int32_t> rows;
  for (const float value : random_values(shape.k, 11, 0.5F))
    rows.push_back(static_cast<std::int32_t>((value + 0.5F) * static_cast<float>(shape.n)));
  return rows;
}

// Every third row or so, in order.
std::vector<std::int32_t> ascending_rows(const Case& shape) {
  std::vector<std::int32_t> rows;
  const std::vector<float> dice = random_values(shape.n, 12);
  for (std::int32_t row = 0; row < shape.n && static_cast<std::int64_t>(rows.size()) < shape.k; ++row)
    if (dice[static_cast<std::size_t>(row)] < -0.3F) rows.push_back(row);
  return rows;
}

template <class T>
std::vector<T> with_special_values(std::vector<T> values) {
  const float special[] = {-0.0F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                           1e-40F};
  for (std::size_t i = 0; i < values.size(); i += 3) values[i] = static_cast<T>(special[i / 3 % 4]);
  return values;
}

template <class T>
void expect_gathered(const Case& shape, std::int64_t offset, Device device) {
  const std::vector<T> x = with_special_values(rounded<T>(random_values(shape.n * shape.c, 1)));
  const std::vector<std::int32_t> rows = any_rows(shape);
  std::vector<T> want;
  for (const std::int32_t row : rows)
    want.insert(want.end(), x.begin() + row * shape.c, x.begin() + (row + 1) * shape.c);
  const Tensor out =
      gather_rows(shifted(Shape{shape.n, shape.c}, x, offset, device), Tensor::from(Shape{shape.k}, rows, device));
  EXPECT_EQ(out.shape(), (Shape{shape.k, shape.c}));
  EXPECT_TRUE(equal_bits(out.to_vector<T>(), want))
      << "N " << shape.n << " C " << shape.c << " K " << shape.k << " offset " << offset;
}

TEST_P(GatherRows, MovesBits) {
  for (const Case& shape : kCases)
    for (const std::int64_t offset : {0, 1}) {
      expect_gathered<float>(shape, offset, device());
      expect_gathered<bfloat16>(shape, offset, device());
    }
}

// What the contract says, one element at a time.
template <class T>
std::vector<T> expected_grad(const Case& shape, const std::vector<T>& grad_out, const std::vector<std::int32_t>& rows,
                             Accumulate mode, const std::vector<T>& before) {
  std::vector<float> sums(before.size(), 0.0F);
  if (mode == Accumulate::Add)
    for (std::size_t i = 0; i < before.size(); ++i) sums[i] = static_cast<float>(before[i]);
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::int64_t c = 0; c < shape.c; ++c)
      sums[static_cast<std::size_t>(rows[i] * shape.c + c)] +=
          static_cast<float>(grad_out[i * static_cast<std::size_t>(shape.c) + static_cast<std::size_t>(c)]);
  return rounded<T>(sums);
}

struct Backward {
  Case shape;
  std::vector<std::int32_t> rows;
  RowOrder order;
  Accumulate mode;
  std::int64_t offset;
};

template <class T>
void expect_grad(const Backward& run, Device device) {
  const std::int64_t k = static_cast<std::int64_t>(run.rows.size()), n = run.shape.n, c = run.shape.c;
  const std::vector<T> grad_out = rounded<T>(random_values(k * c, 2)), before = rounded<T>(random_values(n * c, 3));
  const Tensor gradient = shifted(Shape{n, c}, before, run.offset, device);
  const Tensor from = Tensor::from(Shape{k, c}, grad_out, device), rows = Tensor::from(Shape{k}, run.rows, device);
  on_queue_of(device, [&](auto queue) {
    kernel::gather_rows_backward<T>(queue, from.view<const T>(), rows.view<const std::int32_t>(), run.order, run.mode,
                                    gradient.view<T>());
  });
  EXPECT_TRUE(equal_bits(gradient.to_vector<T>(), expected_grad(run.shape, grad_out, run.rows, run.mode, before)))
      << "N " << n << " C " << c << " K " << k << (run.order == RowOrder::Any ? " any" : " ascending")
      << (run.mode == Accumulate::Add ? " add" : " overwrite") << " offset " << run.offset;
}

void expect_grads(const Case& shape, const std::vector<std::int32_t>& rows, RowOrder order, Device device) {
  for (const Accumulate mode : {Accumulate::Overwrite, Accumulate::Add})
    for (const std::int64_t offset : {0, 1}) {
      expect_grad<float>({shape, rows, order, mode, offset}, device);
      expect_grad<bfloat16>({shape, rows, order, mode, offset}, device);
    }
}

TEST_P(GatherRows, RepeatedRowsAddInOrder) {
  for (const Case& shape : kCases) expect_grads(shape, any_rows(shape), RowOrder::Any, device());
}

TEST_P(GatherRows, AscendingRowsAreWrittenOnce) {
  for (const Case& shape : kCases) {
    expect_grads(shape, ascending_rows(shape), RowOrder::Ascending, device());
    expect_grads(shape, ascending_rows(shape), RowOrder::Any, device());
  }
}

TEST_P(GatherRows, OneRowMayTakeEverything) {
  expect_grads({40, 12, 1000}, std::vector<std::int32_t>(1000, 17), RowOrder::Any, device());
}

TEST_P(GatherRows, EveryRowMayBeNamedOnce) {
  std::vector<std::int32_t> rows(300);
  std::iota(rows.begin(), rows.end(), 0);
  expect_grads({300, 16, 300}, rows, RowOrder::Ascending, device());
}

// Through the op: a leaf that is used twice gets both contributions.
TEST_P(GatherRows, TheTapeAddsTwoUses) {
  const Case shape{30, 24, 30};
  const std::vector<std::int32_t> rows = ascending_rows(shape);
  const std::int64_t k = static_cast<std::int64_t>(rows.size());
  Tensor x = Tensor::from(Shape{shape.n, shape.c}, random_values(shape.n * shape.c, 4), device());
  const Tensor gradient = Tensor::empty(x.shape(), DType::F32, device());
  x.set_grad_slot(std::make_shared<GradSlot>(gradient));
  const std::vector<float> weights = random_values(k * shape.c, 5);
  const Tensor flows_in = Tensor::from(Shape{k, shape.c}, weights, device());
  const Tensor first = gather_rows(x, RowSet::from_rows(rows, 1, shape.n, device()));
  const Tensor second = gather_rows(x, Tensor::from(Shape{k}, rows, device()));
  Tensor end = Tensor::empty(Shape{1}, DType::F32, device());
  record("end", {&first, &second}, end, [&](const Tensor&, const InputGrads& inputs) {
    inputs.add(0, flows_in);
    inputs.add(1, flows_in);
  });
  backward(end);
  const std::vector<float> once = expected_grad<float>(shape, weights, rows, Accumulate::Overwrite,
                                                       std::vector<float>(static_cast<std::size_t>(shape.n * shape.c)));
  EXPECT_TRUE(equal_bits(gradient.to_vector<float>(), expected_grad(shape, weights, rows, Accumulate::Add, once)));
}

ON_EVERY_DEVICE(GatherRows);

}  // namespace
}  // namespace isobath
