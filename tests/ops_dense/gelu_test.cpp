// GELU as an op of its own: values and gradient against double precision, f32 and bf16.
#include "ops/gelu/gelu.hpp"

#include <gtest/gtest.h>

#include "ops_dense/exact_gelu.hpp"
#include "support/grad_check.hpp"

namespace isobath {
namespace {

using test::Exact;

Exact row_of(const std::vector<float>& values) {
  return test::exact(Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, values), 1,
                     static_cast<std::int64_t>(values.size()));
}

TEST(Gelu, ValuesOfEverySize) {
  for (const std::int64_t count : {0, 1, 15, 16, 17, 5000})
    for (const float scale : {1e-3F, 1.0F, 6.0F, 40.0F}) {
      const std::vector<float> x = test::random_values(count, 1, scale);
      EXPECT_TRUE(test::within(gelu(Tensor::from(Shape{count}, x)), test::gelu_of(row_of(x)))) << count << ' ' << scale;
    }
}

TEST(Gelu, GradientOverwritesAndAdds) {
  const std::vector<float> x = test::random_values(1000, 1, 4.0F), grad = test::random_values(1000, 2);
  const Exact once = test::elementwise_product(row_of(grad), test::gelu_slope_of(row_of(x)));
  for (const int uses : {1, 2}) {
    clear_tape();
    const test::LeafTensor leaf = test::make_leaf(Shape{10, 100}, x);
    std::vector<Tensor> outputs;
    for (int use = 0; use < uses; ++use) outputs.push_back(gelu(leaf.value));
    backward(test::project(outputs, grad));
    EXPECT_TRUE(test::within(leaf.gradient, uses == 1 ? once : test::sum(once, once))) << uses;
  }
}

TEST(Gelu, FiniteDifferences) {
  test::check_gradients([](const std::vector<Tensor>& in) { return gelu(in[0]); },
                        {test::random_leaf({6, 9}, 3, 2.0F)});
}

TEST(Gelu, Bf16IsRoundedOnce) {
  std::vector<bfloat16> x;
  for (const float value : test::random_values(500, 5, 5.0F)) x.emplace_back(value);
  const Tensor in = Tensor::from(Shape{5, 100}, x);
  EXPECT_TRUE(test::within(gelu(in), test::rounded(test::gelu_of(test::exact(in)), test::kBf16Epsilon)));
}

TEST(Gelu, WithoutGradientNothingIsKept) {
  const Tensor x = Tensor::zeros({64, 64}, DType::F32);
  const std::int64_t before = allocator_stats(DeviceKind::Cpu).bytes_in_use;
  reset_allocator_peak(DeviceKind::Cpu);
  const Tensor out = gelu(x);
  EXPECT_LT(allocator_stats(DeviceKind::Cpu).bytes_peak - before, 2 * static_cast<std::int64_t>(out.bytes()));
}

}  // namespace
}  // namespace isobath
