// Attention and its gradients on each device, against double precision.

#include "gpu/attention_runs.hpp"
#include "ops/core/host_waits.hpp"

namespace isobath {
namespace {

using test::Choice;
using test::choose;
using test::Expected;
using test::Gradient;
using test::Gradients;
using test::make_problem;
using test::Problem;
using test::random_problem;
using test::Result;
using test::run_on;
using test::RunForm;
using test::Sums;
using test::within;

class Attention : public test::OnDevice {};

// What an f32 evaluation by tiles of 32 keys adds to the bound of reference(): for each tile, sums are scaled down by a
// power (2 ulp = 4 epsilon) and two products, once for the normalisation and once for the sum: under rows / 2.
double relative_of(const Expected& expected, const Problem& problem) {
  const auto rows = static_cast<double>(std::max(problem.queries.length(), problem.keys.length()));
  return expected.relative + test::kEpsilon * 0.5 * rows;
}

// bf16: a result is rounded once more, by 2^-8; so is `out` before delta is made of it, which moves a gradient by at
// most 2^-8 of its magnitude.
template <class T>
constexpr double kResultRounding = std::is_same_v<T, bfloat16> ? 0x1p-8 : 0.0;

// bf16 on a device: weights of sums (probabilities, gradients of scores) are rounded for the tensor cores, which moves
// a sum by at most 2^-8 of its magnitude; and these may cut off where they add instead of rounding, by twice as much.
// n factors of 1 +- u / (1 + u), with u = 2^-8, stay within 1 +- n u.
template <class T>
struct Weights {
  double rounding, relative;

  explicit Weights(Device device) : rounding(device.is_cuda() ? kResultRounding<T> : 0.0) {
    relative = rounding > 0.0 ? 2.0 : 1.0;
  }
};

Sums times(Sums sums, double factor) {
  for (double& value : sums.value) value *= factor;
  for (double& magnitude : sums.magnitude) magnitude *= factor;
  return sums;
}

template <class T>
void expect_reference(const Problem& exact, Device device, RunForm form = {}) {
  const Problem problem = test::rounded_problem<T>(exact);
  const Expected expected = test::reference(problem);
  const Result result = run_on<T>(device, problem, form);
  const Weights<T> weights(device);
  const double relative = weights.relative * relative_of(expected, problem), uses = form.uses;
  const test::Bound value{0.0, relative + kResultRounding<T> + weights.rounding};
  // Of keys and queries: the weights of the gradient itself, and those of `out`, of which delta is made.
  const test::Bound gradient{
      0.0, relative + (1.0 + uses) * kResultRounding<T> + (uses - 1.0) * test::kEpsilon + 2.0 * weights.rounding};
  const test::Bound of_values{0.0,
                              relative + uses * kResultRounding<T> + (uses - 1.0) * test::kEpsilon + weights.rounding};
  EXPECT_TRUE(within(result.out, expected.out, value)) << "out";
  EXPECT_TRUE(within(result.grad_q, times(expected.grad_q, uses), gradient)) << "grad_q";
  EXPECT_TRUE(within(result.grad_k, times(expected.grad_k, uses), gradient)) << "grad_k";
  EXPECT_TRUE(within(result.grad_v, times(expected.grad_v, uses), of_values)) << "grad_v";
}

TEST_P(Attention, RandomRowSets) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    expect_reference<float>(random_problem(seed), device(), {static_cast<std::int64_t>(seed % 2), 1});
  }
}

TEST_P(Attention, RandomRowSetsInBFloat16) {
  for (std::uint64_t seed = 41; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    expect_reference<bfloat16>(random_problem(seed), device(), {static_cast<std::int64_t>(seed % 2), 1});
  }
}

// Each operand and each gradient alone where no vector may be read or written.
TEST_P(Attention, OperandsMayBeginAnywhere) {
  std::mt19937 random(7);
  const RowSet rows = choose(Choice::Half, 1, 40, random);
  for (int alone = 0; alone < test::kPlaced; ++alone) {
    SCOPED_TRACE(testing::Message() << "operand " << alone);
    expect_reference<float>(make_problem(rows, rows, 1, 24, 15), device(), {.alone = alone});
    expect_reference<bfloat16>(make_problem(rows, rows, 1, 24, 16), device(), {.alone = alone});
  }
}

TEST_P(Attention, QueryHeadsShareKeyHeads) {
  for (const int group : {2, 3}) {
    std::mt19937 random(static_cast<std::uint32_t>(group));
    const RowSet keys = choose(Choice::Half, 2, 40, random);
    expect_reference<float>(make_problem(RowSet::all(2, 40), keys, 2 * group, 24, 5, group), device());
    expect_reference<bfloat16>(make_problem(keys, keys, group, 64, 6, group), device());
  }
}

// Tiles of 64 or 32 owned rows and of 64 or 32 walked ones: one row less, as many, one more, and several tiles. Heads
// as wide as the kernels are compiled for, and one column more.
TEST_P(Attention, EveryTileBorder) {
  const auto expect = [](std::int64_t length, std::int64_t width) {
    SCOPED_TRACE(testing::Message() << length << " rows, " << width << " columns");
    const Problem problem = make_problem(RowSet::all(1, length), RowSet::all(1, length), 1, width, 5);
    expect_reference<float>(problem, device());
    expect_reference<bfloat16>(problem, device());
  };
  for (const std::int64_t length : {31, 32, 33, 63, 64, 65, 130}) expect(length, 16);
  for (const std::int64_t width : {15, 17, 64, 65, 128, 129, 256}) expect(70, width);
}

TEST_P(Attention, UnequalRowSets) {
  std::mt19937 random(3);
  const RowSet few = choose(Choice::Few, 2, 120, random), all = RowSet::all(2, 120);
  expect_reference<float>(make_problem(few, all, 1, 32, 6), device());
  expect_reference<float>(make_problem(all, few, 1, 32, 7), device());
}

// Member i of the set is at position rows[i] % T, not at i: a query must not see the keys between.
TEST_P(Attention, OriginalPositionsDecideVisibility) {
  const std::vector<std::int32_t> query_rows{2, 9, 13, 16}, key_rows{3, 8, 10, 12, 15};
  const Problem problem =
      make_problem(RowSet::from_rows(query_rows, 2, 10), RowSet::from_rows(key_rows, 2, 10), 1, 8, 8);
  expect_reference<float>(problem, device());
  expect_reference<bfloat16>(problem, device());
}

template <class T>
void expect_zeros(Device device) {
  // Sequence 0: the only key lies behind both queries. Sequence 1: no key at all. Sequence 2: no query.
  const std::vector<std::int32_t> query_rows{0, 3, 6}, key_rows{4, 12};
  const Result result =
      run_on<T>(device, make_problem(RowSet::from_rows(query_rows, 3, 5), RowSet::from_rows(key_rows, 3, 5), 2, 24, 9));
  for (const Tensor& tensor : {result.out, result.grad_q, result.grad_k, result.grad_v})
    EXPECT_TRUE(test::equal_bits(tensor.to_vector<T>(), std::vector<T>(static_cast<std::size_t>(tensor.count()), T{})));
}

TEST_P(Attention, QueryWithoutVisibleKeyGivesZeros) {
  expect_zeros<float>(device());
  expect_zeros<bfloat16>(device());
}

TEST_P(Attention, EmptySets) {
  std::mt19937 random(1);
  const RowSet none = choose(Choice::None, 2, 6, random), all = RowSet::all(2, 6);
  expect_reference<float>(make_problem(none, none, 2, 8, 1), device());
  expect_reference<float>(make_problem(none, all, 2, 8, 2), device());
  expect_reference<float>(make_problem(all, none, 2, 8, 3), device());
}

TEST_P(Attention, ASecondUseAddsToTheGradients) {
  std::mt19937 random(4);
  const RowSet rows = choose(Choice::Half, 2, 60, random);
  expect_reference<float>(make_problem(rows, rows, 2, 24, 10), device(), {0, 2});
  expect_reference<bfloat16>(make_problem(rows, rows, 2, 24, 11), device(), {1, 2});
}

template <class T>
void expect_wanted_gradients(Device device) {
  std::mt19937 random(5);
  const RowSet rows = choose(Choice::Half, 2, 60, random);
  const Problem problem = make_problem(rows, rows, 2, 24, 13);
  const Result all = run_on<T>(device, problem);
  const auto expect = [](const Tensor& got, const Tensor& want, Gradient its) {
    const std::vector<T> nothing(static_cast<std::size_t>(got.count()), T(std::numeric_limits<float>::quiet_NaN()));
    EXPECT_TRUE(test::equal_bits(got.to_vector<T>(), its == Gradient::Wanted ? want.to_vector<T>() : nothing));
  };
  constexpr auto kYes = Gradient::Wanted, kNo = Gradient::Unwanted;
  for (const Gradients wanted : {Gradients{kYes, kNo, kNo}, Gradients{kNo, kYes, kNo}, Gradients{kNo, kNo, kYes}}) {
    const Result some = run_on<T>(device, problem, {.gradients = wanted});
    expect(some.grad_q, all.grad_q, wanted.q);
    expect(some.grad_k, all.grad_k, wanted.k);
    expect(some.grad_v, all.grad_v, wanted.v);
  }
}

// A gradient has the bits that it has when all are wanted; the others are left alone.
TEST_P(Attention, GradientsDoNotDependOnWhichAreWanted) {
  expect_wanted_gradients<float>(device());
  expect_wanted_gradients<bfloat16>(device());
}

// Probabilities add up to one: values of one come back, where a sum that did not follow a new maximum would show even
// in bf16. Several walked tiles, and maxima that grow from one to the next for half of the queries.
TEST_P(Attention, ValuesOfOneComeBack) {
  constexpr std::int64_t kLength = 200, kWidth = 16;
  Problem problem = make_problem(RowSet::all(1, kLength), RowSet::all(1, kLength), 1, kWidth, 14);
  for (std::size_t i = 0; i < problem.k.size(); ++i) problem.k[i] = static_cast<float>(i / kWidth) / kLength;
  std::fill(problem.v.begin(), problem.v.end(), 1.0F);
  expect_reference<float>(problem, device());
  expect_reference<bfloat16>(problem, device());
}

// Scores near +-3e4 overflow e^x unless the row's maximum is subtracted first; the largest key takes all.
TEST_P(Attention, LargeScores) {
  constexpr std::int64_t kLength = 70, kWidth = 16;
  Problem problem = make_problem(RowSet::all(1, kLength), RowSet::all(1, kLength), 1, kWidth, 11);
  for (float& value : problem.q) value = value < 0.0F ? -100.0F : 100.0F;
  for (float& value : problem.k) value *= 100.0F;
  const Expected expected = test::reference(problem);
  const Result result = run_on<float>(device(), problem);
  // Scores of size S = 4e4 are wrong by up to (D + 2) eps S = 0.04, and probabilities relatively by twice that.
  const test::Bound bound{kLength * 0x1p-126, 2.0 * (kWidth + 2.0) * test::kEpsilon * 4e4};
  EXPECT_TRUE(within(result.out, expected.out, bound));
  EXPECT_TRUE(within(result.grad_v, expected.grad_v, bound));
  for (const Tensor& tensor : {result.grad_q, result.grad_k})
    for (const double value : test::to_doubles(tensor)) ASSERT_TRUE(std::isfinite(value));
}

TEST_P(Attention, ANonFiniteKeyShows) {
  Problem problem = make_problem(RowSet::all(1, 40), RowSet::all(1, 40), 1, 8, 12);
  problem.k[35 * 8 + 3] = std::numeric_limits<float>::quiet_NaN();
  for (const Tensor& tensor : {run_on<float>(device(), problem).out, run_on<bfloat16>(device(), problem).out}) {
    const std::vector<double> out = test::to_doubles(tensor);
    for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(std::isnan(out[i]), i / 8 >= 35) << i;
  }
}

TEST_P(Attention, TheHostDoesNotWait) {
  std::mt19937 random(6);
  const RowSet rows = test::moved_to(device(), choose(Choice::Half, 2, 40, random));
  const auto tensor = [&](std::uint64_t seed) {
    return Tensor::from(Shape{rows.size(), 16}, test::random_values(rows.size() * 16, seed), device());
  };
  Tensor q = tensor(1), k = tensor(2), v = tensor(3);
  const Tensor grad_out = tensor(4);
  for (Tensor* leaf : {&q, &k, &v})
    leaf->set_grad_slot(std::make_shared<GradSlot>(Tensor::empty(leaf->shape(), DType::F32, device())));
  std::int64_t before = host_waits();
  const Tensor out = attention(q, k, v, rows, rows, 2, Mask::Causal);
  EXPECT_EQ(host_waits(), before);
  Tensor end = Tensor::empty(Shape{1}, DType::F32, device());
  record("end", {&out}, end, [&](const Tensor&, const InputGrads& inputs) {
    before = host_waits();  // the tape's own first gradient is there
    inputs.add(0, grad_out);
  });
  backward(end);
  EXPECT_EQ(host_waits(), before);
}

ON_EVERY_DEVICE(Attention);

TEST(AttentionOnCuda, RefusesHeadsThatAreTooWide) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU: " << cuda_status();
  EXPECT_THROW(run_on<float>(Device::cuda(0), make_problem(RowSet::all(1, 2), RowSet::all(1, 2), 1, 257, 1)),
               BackendError);
}

}  // namespace
}  // namespace isobath
