// What linear promises beyond its values: bits that do not depend on threads, memory that is freed, FLOPs that are
// counted, shapes without storage, and bf16.
#include <gtest/gtest.h>

#include "ops/core/threads.hpp"
#include "ops/cross_entropy/cross_entropy.hpp"
#include "ops_dense/linear_reference.hpp"

namespace isobath {
namespace {

using test::LinearCase;

test::LinearRun run(const LinearCase& c) {
  return test::run_linear(c, test::random_values(c.rows * c.in, 1), test::random_values(c.out * c.in, 2),
                          test::random_values(c.out, 3), test::random_values(c.rows * c.out, 4));
}

std::vector<test::LinearRun> run_with_threads(const LinearCase& c, std::initializer_list<int> counts) {
  const int before = kernel_threads();
  std::vector<test::LinearRun> runs;
  for (const int threads : counts) {
    set_kernel_threads(threads);
    runs.push_back(run(c));
  }
  set_kernel_threads(before);
  return runs;
}

TEST(LinearPromises, BiasGradientHasEqualBitsForAnyNumberOfThreads) {
  for (const Activation activation : {Activation::None, Activation::Relu})
    for (const std::int64_t rows : {50, 777, 2000}) {
      // Relu's slope is 0 or 1, so g has equal bits unless a pre-activation rounds across 0, which these do not
      const auto runs = run_with_threads({rows, 16, 24, activation}, {1, 2, 5});
      for (const test::LinearRun& other : runs)
        EXPECT_TRUE(test::same_bits(other.bias.gradient, runs[0].bias.gradient));
    }
}

TEST(LinearPromises, OneOutputHasEqualBitsForAnyNumberOfThreads) {
  const auto runs = run_with_threads({1000, 40, 1, Activation::Gelu}, {1, 2, 5});
  for (const test::LinearRun& other : runs) {
    EXPECT_TRUE(test::same_bits(other.out, runs[0].out));
    EXPECT_TRUE(test::same_bits(other.x.gradient, runs[0].x.gradient));
    EXPECT_TRUE(test::same_bits(other.weight.gradient, runs[0].weight.gradient));
    EXPECT_TRUE(test::same_bits(other.bias.gradient, runs[0].bias.gradient));
  }
}

// A router's score of a token must not depend on what else is in the batch.
TEST(LinearPromises, OneOutputOfARowDoesNotDependOnTheOthers) {
  const std::vector<float> x = test::random_values(100 * 33, 1);
  const Tensor weight = Tensor::from(Shape{1, 33}, test::random_values(33, 2));
  const Tensor all = linear(Tensor::from(Shape{100, 33}, x), weight, Tensor());
  for (std::int64_t row = 0; row < 100; ++row) {
    const std::vector<float> alone(x.begin() + row * 33, x.begin() + (row + 1) * 33);
    EXPECT_TRUE(test::same_bits(linear(Tensor::from(Shape{1, 33}, alone), weight, Tensor()), all.slice(row, {1, 1})));
  }
}

TEST(LinearPromises, EqualCallsGiveEqualBits) {
  const auto runs = run_with_threads({600, 48, 64, Activation::Gelu}, {2, 2, 2});
  for (const test::LinearRun& other : runs) {
    EXPECT_TRUE(test::same_bits(other.out, runs[0].out));
    EXPECT_TRUE(test::same_bits(other.x.gradient, runs[0].x.gradient));
    EXPECT_TRUE(test::same_bits(other.weight.gradient, runs[0].weight.gradient));
  }
}

TEST(LinearPromises, SavedTensorsAreFreed) {
  const LinearCase c{512, 64, 128, Activation::Gelu};
  const std::int64_t row_bytes = 512 * 128 * 4;
  const auto in_use = [] { return allocator_stats(DeviceKind::Cpu).bytes_in_use; };
  clear_tape();
  const test::LeafTensor x = test::make_leaf({c.rows, c.in}, test::random_values(c.rows * c.in, 1));
  const test::LeafTensor weight = test::make_leaf({c.out, c.in}, test::random_values(c.out * c.in, 2));
  const Tensor targets = Tensor::zeros({c.rows}, DType::I32), scale = Tensor::zeros({1}, DType::F32);
  const std::int64_t before = in_use();
  Tensor out = linear(x.value, weight.value, Tensor(), c.activation);
  EXPECT_GE(in_use() - before, 2 * row_bytes);  // the output and the slope
  EXPECT_LT(in_use() - before, 5 * row_bytes / 2);
  backward(cross_entropy(std::move(out), targets, scale));
  EXPECT_EQ(in_use(), before);
  {
    const NoGrad scope;
    const Tensor unrecorded = linear(x.value, weight.value, Tensor(), c.activation);
    EXPECT_LT(in_use() - before, 3 * row_bytes / 2);
  }
}

// Executes nothing on the meta device, yet counts, allocates and passes gradients as on the CPU.
Ledger flops_on(Device device) {
  clear_tape();
  const auto leaf = [device](Shape shape) {
    Tensor value = Tensor::zeros(shape, DType::F32, device);
    value.set_grad_slot(std::make_shared<GradSlot>(Tensor::zeros(shape, DType::F32, device)));
    return value;
  };
  const Ledger before = ledger();
  const WorkScope scope(Work::Ffn);
  const Tensor x = Tensor::zeros({6, 10}, DType::F32, device);
  const Tensor hidden = linear(x, leaf({20, 10}), leaf({20}), Activation::Gelu);
  const Tensor ragged = linear(Tensor::zeros({0, 10}, DType::F32, device), leaf({20, 10}), Tensor());
  Tensor logits = linear(hidden, leaf({7, 20}), Tensor());
  EXPECT_EQ(logits.shape(), (Shape{6, 7}));
  EXPECT_EQ(logits.device(), device);
  EXPECT_EQ(ragged.shape(), (Shape{0, 20}));
  backward(
      cross_entropy(std::move(logits), Tensor::zeros({6}, DType::I32, device), Tensor::zeros({1}, DType::F32, device)));
  return ledger() - before;
}

TEST(LinearPromises, FlopsAreCountedAlsoWithoutComputing) {
  const std::int64_t first = 2 * 6 * 10 * 20, second = 2 * 6 * 20 * 7;
  for (const Device device : {Device::cpu(), Device::meta()}) {
    const Ledger flops = flops_on(device);
    EXPECT_EQ(flops.of(Work::Ffn, Direction::Forward), first + second) << device;
    EXPECT_EQ(flops.of(Work::Ffn, Direction::Backward), first + 2 * second) << device;  // nobody wants the input's
    EXPECT_EQ(flops.total(), 2 * first + 3 * second) << device;
  }
}

std::vector<bfloat16> narrow(const std::vector<float>& values) {
  std::vector<bfloat16> out;
  for (const float value : values) out.emplace_back(value);
  return out;
}

// A bf16 copy of a parameter whose gradient is f32, as in the flat buffers of a bf16 run.
test::LeafTensor bf16_leaf(Shape shape, std::uint64_t seed, DType gradient) {
  test::LeafTensor leaf{Tensor::from(shape, narrow(test::random_values(shape.count(), seed))),
                        Tensor::zeros(shape, gradient)};
  leaf.value.set_grad_slot(std::make_shared<GradSlot>(leaf.gradient));
  return leaf;
}

TEST(LinearPromises, Bf16WithF32Gradients) {
  for (const Activation activation : {Activation::None, Activation::Gelu})
    for (const LinearCase c :
         {LinearCase{40, 30, 20, activation}, {300, 17, 33, activation}, {70, 20, 1, activation}}) {
      const test::LeafTensor x = bf16_leaf({c.rows, c.in}, 1, DType::BF16),
                             weight = bf16_leaf({c.out, c.in}, 2, DType::F32),
                             bias = test::make_leaf({c.out}, test::random_values(c.out, 3));
      const std::vector<float> grad_out = test::random_values(c.rows * c.out, 4);
      const Tensor out = linear(x.value, weight.value, bias.value, c.activation);
      EXPECT_EQ(out.dtype(), DType::BF16);
      backward(test::project({out}, grad_out));
      const auto want = test::LinearReference::of(
          c, test::exact(x.value), test::exact(weight.value), test::exact(bias.value, 1, c.out),
          test::exact(Tensor::from(Shape{c.rows, c.out}, narrow(grad_out))), test::kBf16Epsilon);
      EXPECT_TRUE(test::within(out, want.out));
      EXPECT_TRUE(test::within(x.gradient, want.grad_x));
      EXPECT_TRUE(test::within(weight.gradient, want.grad_weight));
      EXPECT_TRUE(test::within(bias.gradient, want.grad_bias));
    }
}

}  // namespace
}  // namespace isobath
