// scatter_add_rows on each device: one f32 addition rounded once, and rows that nobody names keep their bits, so
// results are exact, bit for bit, on every device.

#include "ops/scatter_add_rows/scatter_add_rows.hpp"

#include "gpu/placed_run.hpp"

namespace isobath {
namespace {

using namespace test;

class ScatterAddRows : public OnDevice {};

// N rows of C elements, of which every `stride`-th is named; 0: none.
struct Case {
  std::int64_t n, c;
  std::int32_t stride;
};
constexpr Case kCases[] = {{0, 4, 0}, {9, 5, 0}, {9, 5, 3}, {40, 64, 2}, {33, 1, 1}, {7, 1037, 4}, {300, 8, 7}};

std::vector<std::int32_t> rows_of(const Case& shape) {
  std::vector<std::int32_t> rows;
  for (std::int32_t row = 1; shape.stride > 0 && row < shape.n; row += shape.stride) rows.push_back(row);
  return rows;
}

template <class Body>
void in_every_case(Device device, Body&& body) {
  for (const DType dtype : {DType::F32, DType::BF16})
    for (const Case& shape : kCases)
      in_every_placement(device, [&](const Placement& where) { body(dtype, shape, where); });
}

PlacedRun run_case(const Case& shape, const Input& base, const Input& update, const Placement& where) {
  const RowSet rows = RowSet::from_rows(rows_of(shape), 1, shape.n, where.device);
  return run_placed([&](const auto& in) { return scatter_add_rows(in[0], in[1], rows); }, {base, update}, where);
}

TEST_P(ScatterAddRows, AddsBitForBitAndKeepsTheOtherRows) {
  in_every_case(device(), [](DType dtype, const Case& shape, const Placement& where) {
    const std::vector<std::int32_t> rows = rows_of(shape);
    Input base = random_input(Shape{shape.n, shape.c}, 1, dtype);
    if (shape.n > 0) base.values[0] = -0.0F;  // nobody names row 0: adding 0 would show
    const Input update = random_input(Shape{static_cast<std::int64_t>(rows.size()), shape.c}, 2, dtype);
    const PlacedRun run = run_case(shape, base, update, where);
    std::vector<float> want = rounded_to(dtype, base.values);
    const std::vector<float> more = rounded_to(dtype, update.values);
    for (std::size_t i = 0; i < more.size(); ++i)
      want[std::size_t(rows[i / std::size_t(shape.c)] * shape.c) + i % std::size_t(shape.c)] += more[i];
    EXPECT_TRUE(equal_bits(to_floats(run.out), rounded_to(dtype, want)))
        << "N " << shape.n << " C " << shape.c << ", " << where;
  });
}

TEST_P(ScatterAddRows, TheUpdateGetsItsRows) {
  in_every_case(device(), [](DType dtype, const Case& shape, const Placement& where) {
    const std::vector<std::int32_t> rows = rows_of(shape);
    const Input base = random_input(Shape{shape.n, shape.c}, 1, dtype),
                update = random_input(Shape{static_cast<std::int64_t>(rows.size()), shape.c}, 2, dtype);
    const PlacedRun run = run_case(shape, base, update, where);
    const bool adds = where.mode == Accumulate::Add;
    std::vector<float> want, whole = run.flows_in;
    for (const std::int32_t row : rows)
      for (std::int64_t c = 0; c < shape.c; ++c)
        want.push_back(run.flows_in[std::size_t(row * shape.c + c)] + (adds ? kBefore : 0.0F));
    if (adds)
      for (float& value : whole) value += kBefore;
    EXPECT_TRUE(equal_bits(to_floats(run.grads[0]), rounded_to(dtype, whole))) << where;
    EXPECT_TRUE(equal_bits(to_floats(run.grads[1]), rounded_to(dtype, want)))
        << "N " << shape.n << " C " << shape.c << ", " << where;
  });
}

TEST_P(ScatterAddRows, AllRowsAreASum) {
  const Input base = random_input(Shape{6, 5}, 1, DType::F32), update = random_input(Shape{6, 5}, 2, DType::F32);
  const PlacedRun run = run_placed([](const auto& in) { return scatter_add_rows(in[0], in[1], RowSet::all(2, 3)); },
                                   {base, update}, {device()});
  std::vector<float> want = base.values;
  for (std::size_t i = 0; i < want.size(); ++i) want[i] += update.values[i];
  EXPECT_TRUE(equal_bits(to_floats(run.out), want));
}

ON_EVERY_DEVICE(ScatterAddRows);

}  // namespace
}  // namespace isobath
