#include "parallel/flat_parameters.hpp"

#include <gtest/gtest.h>

#include "ops/autograd/grad_slot.hpp"

namespace isobath {
namespace {

TEST(FlatParameters, are_views_of_two_flat_buffers) {
  Parameter first{"first", {3, 5}, {}, WeightDecay::Yes, ParameterGroup::Main, {}, {}};
  Parameter second{"second", {7}, {}, WeightDecay::No, ParameterGroup::Predictor, {}, {}};
  Parameter third{"third", {2, 2, 2}, {}, WeightDecay::Yes, ParameterGroup::Main, {}, {}};
  const FlatParameters flat({&first, &second, &third}, {1 << 20, 3});
  std::vector<Parameter*> all{&first, &second, &third};
  float mark = 1.0F;
  for (std::size_t item = 0; item < all.size(); ++item) {
    const Parameter& parameter = *all[item];
    EXPECT_EQ(parameter.value.shape(), parameter.shape);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(parameter.value.raw()) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(parameter.gradient.raw()) % 64, 0u);
    for (std::int64_t i = 0; i < parameter.shape.count(); ++i) parameter.value.view<float>()[i] = mark++;
    parameter.value.grad_slot()->target().tensor.view<float>()[0] = -mark;
    const FlatRange range = flat.layout().piece_of(item).range;
    EXPECT_EQ(flat.values().view<float>()[range.begin], parameter.value.view<float>()[0]);
    EXPECT_EQ(flat.gradients().view<float>()[range.begin], -mark);
  }
  // 30 values were written; everything else is padding and still zero.
  std::int64_t non_zero = 0;
  for (const float value : flat.values().to_vector<float>()) non_zero += value != 0.0F;
  EXPECT_EQ(non_zero, 30);
  EXPECT_EQ(flat.part(flat.values(), flat.layout().group(ParameterGroup::Predictor)).view<float>()[0],
            second.value.view<float>()[0]);
}

TEST(FlatParameters, exist_on_the_meta_device_without_memory) {
  Parameter large{"large", {1 << 20, 1 << 12}, {}, WeightDecay::Yes, ParameterGroup::Main, {}, {}};
  const FlatParameters flat({&large}, {}, Device::meta());
  EXPECT_EQ(flat.values().count(), std::int64_t{1} << 32);
  EXPECT_TRUE(large.value.device().is_meta());
  EXPECT_EQ(large.value.shape(), large.shape);
}

TEST(FlatParameters, refuse_two_parameters_of_one_name) {
  Parameter a{"twin", {1}, {}, WeightDecay::Yes, ParameterGroup::Main, {}, {}}, b = a;
  EXPECT_THROW(FlatParameters({&a, &b}, {}), InternalError);
}

TEST(FlatParameters, give_sharded_gradients_a_buffer_while_they_need_one) {
  Parameter a{"a", {20}, {}, WeightDecay::Yes, ParameterGroup::Main, {}, {}};
  Parameter b{"b", {5}, {}, WeightDecay::Yes, ParameterGroup::Main, {}, {}};
  FlatParameters flat({&a, &b}, {1 << 20, 2}, Device::cpu(), {GradientStorage::Sharded});
  EXPECT_EQ(flat.gradients().count(), flat.layout().total() / 2);
  EXPECT_FALSE(a.gradient.defined());
  GradSlot& slot = *a.value.grad_slot();
  slot.add(Tensor::from(Shape{20}, std::vector<float>(20, 3.0F)));
  b.value.grad_slot()->add(Tensor::from(Shape{5}, std::vector<float>(5, 2.0F)));
  const auto bucket = flat.bucket_gradients(0).to_vector<float>();
  EXPECT_EQ(std::count(bucket.begin(), bucket.end(), 3.0F), 20);
  EXPECT_EQ(std::count(bucket.begin(), bucket.end(), 2.0F), 5);
  EXPECT_EQ(std::count(bucket.begin(), bucket.end(), 0.0F), flat.layout().total() - 25);
  flat.release_bucket(0);
  EXPECT_FALSE(slot.has_gradient());
  slot.add(Tensor::from(Shape{20}, std::vector<float>(20, 1.0F)));  // overwrites, in a new buffer
  EXPECT_EQ(slot.gradient().to_vector<float>(), std::vector<float>(20, 1.0F));
}

}  // namespace
}  // namespace isobath
