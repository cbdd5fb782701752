// The kernels' results have equal bits whatever the order of threads and blocks.

#include <cmath>

#include "gpu/devices.hpp"
#include "ops/autograd/tape.hpp"
#include "ops/gather_rows/gather_rows.hpp"
#include "ops/layer_norm/layer_norm.hpp"
#include "tests/emulated/checks/harness.hpp"

namespace isobath::emulated {
namespace {

using isobath::test::random_values;

constexpr std::int64_t kRows = 150, kColumns = 40;

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  return Tensor::from(shape, random_values(shape.count(), seed), Device::cuda(0));
}

Tensor leaf(const Shape& shape, std::uint64_t seed, const Tensor& gradient) {
  Tensor out = random_tensor(shape, seed);
  out.set_grad_slot(std::make_shared<GradSlot>(gradient));
  return out;
}

void run_backward(const Tensor& out) {
  Tensor end = Tensor::empty(Shape{1}, DType::F32, out.device());
  record("end", {&out}, end,
         [out](const Tensor&, const InputGrads& inputs) { inputs.add(0, random_tensor(out.shape(), 9)); });
  backward(end);
}

/// Every result of layer_norm after a gather with repeated rows, as numbers.
std::vector<std::vector<float>> results() {
  const Device device = Device::cuda(0);
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 0; i < 2 * kRows; ++i) rows.push_back(i * i % static_cast<std::int32_t>(kRows));
  const Shape matrix{kRows, kColumns}, vector{kColumns};
  const Tensor grad_x = Tensor::empty(matrix, DType::F32, device),
               grad_gain = Tensor::empty(vector, DType::F32, device),
               grad_shift = Tensor::empty(vector, DType::F32, device);
  const Tensor x = leaf(matrix, 1, grad_x), gain = leaf(vector, 2, grad_gain), shift = leaf(vector, 3, grad_shift);
  const Tensor gathered = gather_rows(x, Tensor::from(Shape{2 * kRows}, rows, device));
  const Tensor out = layer_norm(gathered, gain, shift);
  run_backward(out);
  return {out.to_vector<float>(), grad_x.to_vector<float>(), grad_gain.to_vector<float>(),
          grad_shift.to_vector<float>()};
}

TEST(Orders, GiveEqualBits) {
  std::vector<std::vector<float>> first;
  for (const Order order : test::kOrders) {
    const test::OrderScope scope(order);
    const auto now = results();
    if (first.empty()) first = now;
    for (std::size_t i = 0; i < now.size(); ++i)
      EXPECT_TRUE(isobath::test::equal_bits(now[i], first[i])) << "result " << i << ", " << test::name_of(order);
  }
  for (const float value : first[1]) ASSERT_FALSE(std::isnan(value));
}

}  // namespace
}  // namespace isobath::emulated
