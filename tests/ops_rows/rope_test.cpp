#include "ops/rope/rope.hpp"

#include "support/op_run.hpp"

namespace isobath::test {
namespace {

constexpr double kBase = 100.0;

OpUnderTest turned(const RowSet& rows, std::int64_t width) {
  return [=](const std::vector<Tensor>& in) {
    return rope(in[0], rope_table(rows.length(), width, kBase, in[0].device()), rows);
  };
}

/// 2 sequences of 9 rows, and some of them.
RowSet all_rows() { return RowSet::all(2, 9); }
RowSet some_rows() {
  const std::vector<std::int32_t> rows{1, 4, 8, 9, 16};
  return RowSet::from_rows(rows, 2, 9);
}
std::vector<std::int64_t> positions_of(const RowSet& rows) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < rows.size(); ++i)
    out.push_back(rows.is_all() ? i % rows.length() : rows.positions().to_vector<std::int32_t>()[std::size_t(i)]);
  return out;
}

/// As complex numbers: channel j + i channel (j + D / 2), times e^(i p base^(-2 j / D)).
std::vector<double> reference(const std::vector<float>& x, const RowSet& rows, std::int64_t heads, std::int64_t width) {
  std::vector<double> out(x.size());
  const std::vector<std::int64_t> positions = positions_of(rows);
  for (std::size_t row = 0; row < positions.size(); ++row)
    for (std::int64_t head = 0; head < heads; ++head)
      for (std::int64_t j = 0; j < width / 2; ++j) {
        const std::size_t low = row * std::size_t(heads * width) + std::size_t(head * width + j);
        const std::size_t high = low + std::size_t(width / 2);
        const double angle = static_cast<double>(positions[row]) * std::pow(kBase, -2.0 * double(j) / double(width));
        out[low] = x[low] * std::cos(angle) - x[high] * std::sin(angle);
        out[high] = x[high] * std::cos(angle) + x[low] * std::sin(angle);
      }
  return out;
}

// Cosine and sine are rounded once, two products and their difference are: 4 roundings of numbers below 2.
constexpr Bound kBound{8.0 * kEpsilon, 0.0};

TEST(Rope, TurnsByOriginalPositions) {
  for (const RowSet& rows : {all_rows(), some_rows()})
    for (const std::int64_t width : {2, 6, 16, 40}) {
      const Leaf x = random_leaf(Shape{rows.size(), 3 * width}, 5);
      EXPECT_TRUE(close(value_of(turned(rows, width), {x}), reference(x.values, rows, 3, width), kBound)) << width;
    }
}

// A packed row is turned like the same row among all: bit for bit.
TEST(Rope, APackedRowKeepsItsPosition) {
  const std::vector<float> x = random_values(18 * 8, 7);
  const RowSet some = some_rows();
  std::vector<float> packed;
  for (const std::int32_t row : some.rows().to_vector<std::int32_t>())
    packed.insert(packed.end(), x.begin() + row * 8, x.begin() + (row + 1) * 8);
  const auto whole = value_of(turned(all_rows(), 4), {{Shape{18, 8}, x}}).to_vector<float>();
  const auto part = value_of(turned(some, 4), {{Shape{some.size(), 8}, packed}}).to_vector<float>();
  std::size_t at = 0;
  for (const std::int32_t row : some.rows().to_vector<std::int32_t>())
    for (std::int32_t c = 0; c < 8; ++c) EXPECT_EQ(part[at++], whole[std::size_t(row * 8 + c)]) << row;
}

TEST(Rope, ScoresDependOnTheDistanceAlone) {
  const RowSet rows = RowSet::all(1, 50);
  std::vector<float> same;
  const std::vector<float> row = random_values(16, 9);
  for (int i = 0; i < 50; ++i) same.insert(same.end(), row.begin(), row.end());
  const auto x = to_doubles(value_of(turned(rows, 16), {{Shape{50, 16}, same}}));
  const auto score = [&](std::size_t a, std::size_t b) {
    double sum = 0.0;
    for (std::size_t c = 0; c < 16; ++c) sum += x[a * 16 + c] * x[b * 16 + c];
    return sum;
  };
  for (std::size_t p = 0; p < 40; ++p) EXPECT_NEAR(score(p + 9, p), score(9, 0), 16 * 2 * 8.0 * kEpsilon);
  EXPECT_GT(std::abs(score(9, 0) - score(5, 0)), 1e-3);
}

TEST(Rope, BackwardTurnsBack) {
  expect_adjoint(turned(some_rows(), 6), random_leaf(Shape{5, 12}, 11));
  check_gradients(turned(some_rows(), 6), {random_leaf(Shape{5, 12}, 13)});
  check_gradients(turned(all_rows(), 4), {random_leaf(Shape{18, 4}, 15)});
}

TEST(Rope, Bf16IsRoundedOnce) {
  std::vector<bfloat16> x;
  std::vector<float> values;
  for (const float value : random_values(18 * 16, 17)) values.push_back(static_cast<float>(x.emplace_back(value)));
  const Tensor out = rope(Tensor::from(Shape{18, 16}, x), rope_table(9, 8, kBase, Device::cpu()), all_rows());
  // one rounding to bf16 of numbers below 2, beside those of f32
  EXPECT_TRUE(close(out, reference(values, all_rows(), 2, 8), {8.0 * kEpsilon, 0x1p-8}));
}

TEST(Rope, BitsDoNotDependOnThreads) {
  expect_thread_independent(turned(RowSet::all(8, 100), 32), {random_leaf(Shape{800, 96}, 19)});
}

TEST(Rope, RefusesATableThatIsTooShort) {
  const Tensor x = Tensor::zeros(Shape{18, 8}, DType::F32);
  EXPECT_THROW(rope(x, rope_table(8, 8, kBase, Device::cpu()), all_rows()), InternalError);
  EXPECT_THROW(rope(x, rope_table(9, 6, kBase, Device::cpu()), all_rows()), InternalError);
  EXPECT_THROW(rope_table(9, 5, kBase, Device::cpu()), InternalError);
}

TEST(Rope, MetaHasShapesOnly) { expect_meta(turned(all_rows(), 4), {Shape{18, 8}}, Shape{18, 8}); }

}  // namespace
}  // namespace isobath::test
