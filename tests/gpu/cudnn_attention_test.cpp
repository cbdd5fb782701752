// Attention by cuDNN on a GPU: against double precision, against isobath's own kernels, and twice.

#include "gpu/attention_runs.hpp"
#include "ops/sdpa/sdpa.hpp"

namespace isobath {
namespace {

using test::Choice;
using test::choose;
using test::make_problem;
using test::Problem;
using test::Result;
using test::run_on;
using test::RunForm;

constexpr RunForm kByCudnn{.by = AttentionBy::Cudnn};

class CudnnAttention : public testing::Test {
 protected:
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU: " << cuda_status();
    if (!has_cudnn()) GTEST_SKIP() << "cuDNN: none in this build";
  }
  static Problem whole(std::int64_t batch, std::int64_t length, int heads, std::int64_t width, int group = 1) {
    const RowSet rows = RowSet::all(batch, length);
    return test::rounded_problem<bfloat16>(make_problem(rows, rows, heads, width, 7, group));
  }
};

test::Sums times(test::Sums sums, double factor) {
  for (double& value : sums.value) value *= factor;
  return sums;
}

// Roundings to bf16, of 2^-8 of a sum's magnitude at most: the probabilities before they meet the values, and the
// result; of a gradient the probabilities, `out` under delta, the slopes of the scores, and the result.
void expect_reference(const Problem& problem, RunForm form = kByCudnn) {
  const test::Expected expected = test::reference(problem);
  const Result result = run_on<bfloat16>(Device::cuda(0), problem, form);
  const double uses = form.uses;
  const test::Bound value{0.0, expected.relative + 2.0 * 0x1p-8};
  const test::Bound gradient{0.0, uses * (expected.relative + (3.0 + uses) * 0x1p-8)};
  EXPECT_TRUE(within(result.out, expected.out, value)) << "out";
  EXPECT_TRUE(within(result.grad_q, times(expected.grad_q, uses), gradient)) << "grad_q";
  EXPECT_TRUE(within(result.grad_k, times(expected.grad_k, uses), gradient)) << "grad_k";
  EXPECT_TRUE(within(result.grad_v, times(expected.grad_v, uses), gradient)) << "grad_v";
}

bool equal(const Result& a, const Result& b) {
  const auto same = [](const Tensor& x, const Tensor& y) {
    return bool(test::equal_bits(x.to_vector<bfloat16>(), y.to_vector<bfloat16>()));
  };
  return same(a.out, b.out) && same(a.grad_q, b.grad_q) && same(a.grad_k, b.grad_k) && same(a.grad_v, b.grad_v);
}

TEST_F(CudnnAttention, EveryLength) {
  for (const std::int64_t length : {2, 63, 64, 65, 127, 128, 130, 257}) {
    SCOPED_TRACE(testing::Message() << "length " << length);
    expect_reference(whole(2, length, 3, 64));
  }
}

TEST_F(CudnnAttention, EveryWidth) {
  for (const std::int64_t width : {8, 40, 64, 96, 128}) {
    SCOPED_TRACE(testing::Message() << "width " << width);
    expect_reference(whole(1, 100, 2, width));
  }
}

TEST_F(CudnnAttention, QueryHeadsShareKeyHeads) {
  for (const int group : {2, 4}) expect_reference(whole(2, 96, 4, 64, group));
}

TEST_F(CudnnAttention, ASecondUseAddsToTheGradients) {
  expect_reference(whole(2, 80, 2, 64), {.uses = 2, .by = AttentionBy::Cudnn});
}

// Both are within their bounds of the same sums; the bits differ, or cuDNN has computed nothing.
TEST_F(CudnnAttention, IsNotTheOwnKernelUnderAnotherName) {
  const Problem problem = whole(2, 128, 4, 64);
  EXPECT_FALSE(equal(run_on<bfloat16>(Device::cuda(0), problem, kByCudnn), run_on<bfloat16>(Device::cuda(0), problem)));
}

TEST_F(CudnnAttention, HasTheSameBitsEveryTime) {
  const Problem problem = whole(2, 300, 4, 64);
  const Result once = run_on<bfloat16>(Device::cuda(0), problem, kByCudnn);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(equal(run_on<bfloat16>(Device::cuda(0), problem, kByCudnn), once));
}

// What cuDNN is not given, own kernels compute, bit for bit: on each device, in any build.
class AttentionByCudnn : public test::OnDevice {};

TEST_P(AttentionByCudnn, LeavesOtherProblemsToOwnKernels) {
  std::mt19937 random(5);
  const RowSet half = choose(Choice::Half, 2, 40, random), all = RowSet::all(2, 40), one = RowSet::all(3, 1);
  for (const auto& [queries, keys] : {std::pair(half, half), std::pair(half, all), std::pair(one, one)}) {
    const Problem problem = make_problem(queries, keys, 2, 16, 9);
    EXPECT_TRUE(equal(run_on<bfloat16>(device(), problem, kByCudnn), run_on<bfloat16>(device(), problem)));
  }
  const Problem f32 = make_problem(all, all, 2, 16, 9);
  EXPECT_TRUE(test::equal_bits(run_on<float>(device(), f32, kByCudnn).out.to_vector<float>(),
                               run_on<float>(device(), f32).out.to_vector<float>()));
}

ON_EVERY_DEVICE(AttentionByCudnn);

TEST(AttentionWithoutCudnn, IsRefused) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU: " << cuda_status();
  if (has_cudnn()) GTEST_SKIP() << "this build has cuDNN " << cudnn_version();
  const RowSet rows = RowSet::all(1, 8);
  EXPECT_THROW(run_on<bfloat16>(Device::cuda(0), make_problem(rows, rows, 2, 16, 1), kByCudnn), BackendError);
}

}  // namespace
}  // namespace isobath
