// dropout on each device: every device makes the documented draw, bit for bit.

#include "ops/dropout/dropout.hpp"

#include "gpu/bounded.hpp"
#include "gpu/placed_run.hpp"

namespace isobath {
namespace {

using namespace test;

class Dropout : public OnDevice {};

constexpr float kP = 0.3F;
constexpr RandomKey kKey{1234, Purpose::Dropout, 7, 3};
constexpr std::int64_t kBatch = 2, kLength = 13;
// A sample beyond 2^32.
const std::vector<std::int64_t> kSamples{5, (std::int64_t{1} << 33) + 9};

// C channels, of which the first draws as `channel0`: rows of vectors, of part of one, of more than a warp takes.
struct Case {
  std::int64_t c;
  std::uint64_t channel0;
};
constexpr Case kCases[] = {{1, 0}, {8, 0}, {64, 384}, {67, 0}, {300, 1021}, {1040, 8}, {16, 6}};

/// The draw keeps or drops each element of the rows, and what is kept is divided by 1 - p.
std::vector<float> masked(std::vector<float> values, const std::vector<std::int32_t>& rows, const Case& shape,
                          DType dtype) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int64_t row = rows[i / static_cast<std::size_t>(shape.c)];
    const std::uint64_t channel = shape.channel0 + i % static_cast<std::size_t>(shape.c);
    const auto sample = static_cast<std::uint64_t>(kSamples[static_cast<std::size_t>(row / kLength)]);
    const auto draws = draw4(kKey.words(), sample, static_cast<std::uint64_t>(row % kLength), channel / 4);
    values[i] = to_uniform(draws[channel % 4]) < kP ? 0.0F : values[i] * (1.0F / (1.0F - kP));
  }
  return rounded_to(dtype, values);
}

struct RowChoice {
  RowSet set;
  std::vector<std::int32_t> rows;
};

std::vector<RowChoice> row_choices(Device device) {
  std::vector<std::int32_t> all(kBatch * kLength);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i);
  const std::vector<std::int32_t> some{1, 4, 12, 13, 25}, none;
  return {{RowSet::all(kBatch, kLength), all},
          {RowSet::from_rows(some, kBatch, kLength, device), some},
          {RowSet::from_rows(none, kBatch, kLength, device), none}};
}

void expect_case(const Case& shape, const RowChoice& choice, DType dtype, const Placement& where) {
  const DropoutKey key{dropout_keys(kKey.seed, static_cast<std::int64_t>(kKey.step), 4, where.device).slice(3, {1}),
                       shape.channel0, Tensor::from(Shape{kBatch}, kSamples, where.device)};
  const Input x = random_input(Shape{choice.set.size(), shape.c}, 1, dtype);
  const PlacedRun run = run_placed([&](const auto& in) { return dropout(in[0], choice.set, kP, key); }, {x}, where);
  const auto what = text(choice.rows.size(), " rows, C ", shape.c, ", channel ", shape.channel0, ", ", where);
  EXPECT_TRUE(equal_bits(to_floats(run.out), masked(rounded_to(dtype, x.values), choice.rows, shape, dtype))) << what;
  if (where.mode == Accumulate::Overwrite) {
    EXPECT_TRUE(equal_bits(to_floats(run.grads[0]), masked(run.flows_in, choice.rows, shape, dtype))) << what;
    return;
  }
  Bounded want;  // a product may be contracted into the sum
  for (const float value : masked(run.flows_in, choice.rows, shape, DType::F32))
    want.append(value, kEpsilon * std::abs(value));
  EXPECT_TRUE(within(to_doubles(run.grads[0]), plus(want, kBefore, kEpsilon + rounding_to(dtype)))) << what;
}

TEST_P(Dropout, MakesTheDocumentedDraws) {
  for (const DType dtype : {DType::F32, DType::BF16})
    for (const RowChoice& choice : row_choices(device()))
      for (const Case& shape : kCases)
        in_every_placement(device(), [&](const Placement& where) { expect_case(shape, choice, dtype, where); });
}

ON_EVERY_DEVICE(Dropout);

}  // namespace
}  // namespace isobath
