// top_k and rows_above on each device: integers, so that the answer is one, bit for bit.

#include "ops/top_k/top_k.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "gpu/devices.hpp"
#include "ops/core/host_waits.hpp"

namespace isobath {
namespace {

using test::random_values;
using test::shifted;
using Indices = std::vector<std::int32_t>;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

class TopK : public test::OnDevice {};

// How the scores of a problem look.
enum class Kind { Random, Ties, AllEqual, Special, Denormal, Ascending, OneDigit };
constexpr Kind kKinds[] = {Kind::Random,   Kind::Ties,      Kind::AllEqual, Kind::Special,
                           Kind::Denormal, Kind::Ascending, Kind::OneDigit};

float score_of(Kind kind, float dice, std::size_t index) {
  constexpr float kSpecial[] = {kNaN, -kNaN, kInfinity, -kInfinity, 0.0F, -0.0F, 1.0F, -1.0F};
  switch (kind) {
    case Kind::Random:
      return dice;
    case Kind::Ties:
      return std::floor(dice * 4.0F);
    case Kind::AllEqual:
      return -0.25F;
    case Kind::Special:
      return kSpecial[static_cast<std::size_t>((dice + 1.0F) * 3.99F)];
    case Kind::Denormal:
      return dice * 1e-41F;
    case Kind::Ascending:
      return static_cast<float>(index);
    case Kind::OneDigit:  // only the last digit of the radix select tells them apart
      return std::nextafter(1.0F, 2.0F) + std::floor(dice * 16.0F) * 0x1p-23F;
  }
  return 0.0F;
}

std::vector<float> scores_of(Kind kind, std::int64_t count) {
  std::vector<float> scores = random_values(count, 41);
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = score_of(kind, scores[i], i);
  return scores;
}

// By what the contract says: a number before a NaN, the greater number first, then the lower index.
Indices expected_rows(const std::vector<float>& scores, std::int64_t batch, std::int64_t length, std::int64_t k) {
  const auto before = [&](std::int32_t a, std::int32_t b) {
    const float x = scores[static_cast<std::size_t>(a)], y = scores[static_cast<std::size_t>(b)];
    return std::isnan(x) || std::isnan(y) ? !std::isnan(x) && std::isnan(y) : x > y;
  };
  Indices rows;
  for (std::int64_t s = 0; s < batch; ++s) {
    Indices order(static_cast<std::size_t>(length));
    std::iota(order.begin(), order.end(), static_cast<std::int32_t>(s * length));
    std::stable_sort(order.begin(), order.end(), before);
    std::sort(order.begin(), order.begin() + k);
    rows.insert(rows.end(), order.begin(), order.begin() + k);
  }
  return rows;
}

void expect_set(const RowSet& set, const Indices& rows, std::int64_t batch, std::int64_t length) {
  Indices offsets(static_cast<std::size_t>(batch) + 1), positions;
  for (const std::int32_t row : rows) {
    ++offsets[static_cast<std::size_t>(row / length) + 1];
    positions.push_back(static_cast<std::int32_t>(row % length));
  }
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  EXPECT_EQ(set.rows().to_vector<std::int32_t>(), rows);
  EXPECT_EQ(set.offsets().to_vector<std::int32_t>(), offsets);
  EXPECT_EQ(set.positions().to_vector<std::int32_t>(), positions);
}

void expect_chosen(Kind kind, std::int64_t batch, std::int64_t length, std::int64_t k, Device device) {
  SCOPED_TRACE(text("kind ", static_cast<int>(kind), " batch ", batch, " length ", length, " k ", k));
  const std::vector<float> scores = scores_of(kind, batch * length);
  expect_set(top_k(shifted(Shape{batch * length}, scores, 1, device), batch, length, k),
             expected_rows(scores, batch, length, k), batch, length);
}

// Shorter than a warp, than a block, a block and more; one row, some, all but one, all.
TEST_P(TopK, ChoosesWhatASortChooses) {
  for (const Kind kind : kKinds)
    for (const std::int64_t length : {1, 31, 256, 700})
      for (const std::int64_t k : {std::int64_t{1}, length / 8, length / 2, length - 1, length})
        if (k >= 1) expect_chosen(kind, 3, length, k, device());
}

// More scores than a block keeps in shared memory.
TEST_P(TopK, LongSequencesToo) {
  for (const Kind kind : {Kind::Random, Kind::Ties}) expect_chosen(kind, 2, 11000, 5000, device());
}

TEST_P(TopK, AnEmptyBatchIsAnEmptySet) {
  const RowSet set = top_k(Tensor::empty(Shape{0}, DType::F32, device()), 0, 5, 2);
  expect_set(set, {}, 0, 5);
}

TEST_P(TopK, TheHostDoesNotWait) {
  const Tensor scores = Tensor::from(Shape{600}, scores_of(Kind::Random, 600), device());
  const std::int64_t before = host_waits();
  const RowSet set = top_k(scores, 3, 200, 20);
  EXPECT_EQ(host_waits(), before);
  EXPECT_EQ(set.size(), 60);
}

ON_EVERY_DEVICE(TopK);

class RowsAbove : public test::OnDevice {};

void expect_above(Kind kind, std::int64_t batch, std::int64_t length, float threshold, Device device) {
  SCOPED_TRACE(text("kind ", static_cast<int>(kind), " batch ", batch, " length ", length, " above ", threshold));
  const std::vector<float> scores = scores_of(kind, batch * length);
  Indices rows;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (scores[i] > threshold) rows.push_back(static_cast<std::int32_t>(i));
  expect_set(rows_above(Tensor::from(Shape{batch * length}, scores, device), batch, length, threshold), rows, batch,
             length);
}

TEST_P(RowsAbove, AreWhatAFilterKeeps) {
  for (const Kind kind : kKinds)
    for (const std::int64_t length : {1, 40, 256, 601})
      for (const float threshold : {0.0F, -0.25F, 0.9F, kNaN, kInfinity, -kInfinity})
        expect_above(kind, 3, length, threshold, device());
}

// Offsets of more sequences than a block has threads are summed in several rounds.
TEST_P(RowsAbove, OfManySequences) { expect_above(Kind::Ties, 600, 5, 0.5F, device()); }

TEST_P(RowsAbove, CostADeviceOneWait) {
  const Tensor scores = Tensor::from(Shape{600}, scores_of(Kind::Random, 600), device());
  const std::int64_t before = host_waits();
  rows_above(scores, 3, 200, 0.0F);
  EXPECT_EQ(host_waits() - before, device().is_cpu() ? 0 : 1);
}

ON_EVERY_DEVICE(RowsAbove);

}  // namespace
}  // namespace isobath
