// rope on each device, against complex numbers in double precision.

#include "ops/rope/rope.hpp"

#include <complex>

#include "gpu/bounded.hpp"
#include "gpu/placed_run.hpp"

namespace isobath {
namespace {

using namespace test;

class Rope : public OnDevice {};

constexpr double kBase = 100.0;
constexpr std::int64_t kBatch = 2, kLength = 21;

// Heads of D channels: of one pair, odd halves, halves of whole vectors; more pairs than lanes.
struct Case {
  std::int64_t heads, d;
};
constexpr Case kCases[] = {{1, 2}, {3, 6}, {2, 8}, {3, 16}, {2, 80}, {5, 64}};

std::vector<RowSet> row_sets(Device device) {
  const std::vector<std::int32_t> some{1, 4, 20, 21, 30, 41};
  return {RowSet::all(kBatch, kLength), RowSet::from_rows(some, kBatch, kLength, device),
          RowSet::from_rows(std::vector<std::int32_t>{}, kBatch, kLength, device)};
}

std::vector<std::int64_t> positions_of(const RowSet& rows) {
  std::vector<std::int64_t> out;
  const auto listed = rows.is_all() ? std::vector<std::int32_t>() : rows.positions().to_vector<std::int32_t>();
  for (std::int64_t i = 0; i < rows.size(); ++i)
    out.push_back(rows.is_all() ? i % rows.length() : listed[static_cast<std::size_t>(i)]);
  return out;
}

/// x turned by `sign` times its angles. Cosine and sine, two products and their sum are rounded: 4 roundings of a term.
Bounded turned(const std::vector<float>& x, const std::vector<std::int64_t>& positions, const Case& shape, double sign,
               DType dtype) {
  Bounded out{std::vector<double>(x.size()), std::vector<double>(x.size())};
  const double rounding = dtype == DType::BF16 ? rounding_to(dtype) : 0.0;
  const auto set = [&](std::size_t at, double a, double b) {
    out.value[at] = a + b;
    out.error[at] = 4.0 * kEpsilon * (std::abs(a) + std::abs(b)) + rounding * std::abs(a + b);
  };
  const auto half = static_cast<std::size_t>(shape.d / 2), row = static_cast<std::size_t>(shape.heads * shape.d);
  for (std::size_t low = 0; low < x.size(); ++low) {
    const std::size_t j = low % (2 * half), high = low + half;
    if (j >= half) continue;
    const double speed = std::pow(kBase, -2.0 * double(j) / double(shape.d));
    const auto turn = std::polar(1.0, sign * double(positions[low / row]) * speed);
    set(low, x[low] * turn.real(), -x[high] * turn.imag());
    set(high, x[high] * turn.real(), x[low] * turn.imag());
  }
  return out;
}

TEST_P(Rope, TurnsForthAndBack) {
  for (const DType dtype : {DType::F32, DType::BF16})
    for (const RowSet& rows : row_sets(device()))
      for (const Case& shape : kCases)
        in_every_placement(device(), [&](const Placement& where) {
          const Tensor table = rope_table(kLength, shape.d, kBase, device());
          const Input x = random_input(Shape{rows.size(), shape.heads * shape.d}, 5, dtype);
          const PlacedRun run = run_placed([&](const auto& in) { return rope(in[0], table, rows); }, {x}, where);
          const auto positions = positions_of(rows);
          const std::string what = text(rows.size(), " rows, D ", shape.d, ", ", where);
          EXPECT_TRUE(within(to_doubles(run.out), turned(rounded_to(dtype, x.values), positions, shape, 1.0, dtype)))
              << what;
          const Bounded back = turned(run.flows_in, positions, shape, -1.0, dtype);
          EXPECT_TRUE(within(to_doubles(run.grads[0]), plus(back, before(where), kEpsilon + rounding_to(dtype))))
              << what;
        });
}

ON_EVERY_DEVICE(Rope);

}  // namespace
}  // namespace isobath
