// linear, forward and backward, has equal bits whatever the order of threads and the schedule of streams.

#include <cmath>

#include "gpu/devices.hpp"
#include "ops/autograd/tape.hpp"
#include "ops/linear/linear.hpp"
#include "tests/emulated/checks/harness.hpp"

namespace isobath::emulated {
namespace {

using isobath::test::random_values;

constexpr std::int64_t kRows = 300, kIn = 24, kOut = 40;
constexpr Device kDevice = Device::cuda(0);

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  return Tensor::from(shape, random_values(shape.count(), seed), kDevice);
}

Tensor leaf(const Shape& shape, std::uint64_t seed, std::vector<Tensor>& gradients) {
  Tensor out = random_tensor(shape, seed);
  gradients.push_back(Tensor::empty(shape, DType::F32, kDevice));
  out.set_grad_slot(std::make_shared<GradSlot>(gradients.back()));
  return out;
}

/// Two layers with a score behind them, and every gradient.
std::vector<std::vector<float>> results() {
  std::vector<Tensor> gradients;
  const Tensor x = leaf({kRows, kIn}, 1, gradients), first = leaf({kOut, kIn}, 2, gradients),
               bias = leaf({kOut}, 3, gradients), second = leaf({kIn, kOut}, 4, gradients),
               score = leaf({1, kIn}, 5, gradients);
  const Tensor hidden = linear(x, first, bias, Activation::Gelu), out = linear(hidden, second, Tensor()),
               scores = linear(out, score, Tensor());
  Tensor end = Tensor::empty(Shape{1}, DType::F32, kDevice);
  record("end", {&scores}, end,
         [&](const Tensor&, const InputGrads& inputs) { inputs.add(0, random_tensor(scores.shape(), 9)); });
  backward(end);
  std::vector<std::vector<float>> values{scores.to_vector<float>()};
  for (const Tensor& gradient : gradients) values.push_back(gradient.to_vector<float>());
  return values;
}

TEST(LinearOrders, GiveEqualBits) {
  std::vector<std::vector<float>> first;
  for (const Order order : test::kOrders)
    for (const Schedule schedule : test::kSchedules) {
      const test::OrderScope of_threads(order);
      const test::ScheduleScope of_streams(schedule);
      const auto now = results();
      if (first.empty()) first = now;
      for (std::size_t i = 0; i < now.size(); ++i)
        EXPECT_TRUE(isobath::test::equal_bits(now[i], first[i]))
            << "result " << i << ", " << test::name_of(order) << ", " << test::name_of(schedule);
    }
  for (const std::vector<float>& values : first)
    for (const float value : values) ASSERT_FALSE(std::isnan(value));
}

}  // namespace
}  // namespace isobath::emulated
