// The loss and its gradient do not depend on the order of threads and blocks.

#include "ops/cross_entropy/cross_entropy.hpp"
#include "support/cross_entropy_reference.hpp"
#include "tests/emulated/ops/every_order.hpp"

namespace isobath::emulated {
namespace {

TEST(LossOrders, GiveEqualBits) {
  const isobath::test::Problem problem{70, 999};
  const Device device = Device::cuda(0);
  const Tensor targets = Tensor::from(Shape{problem.rows}, problem.targets(), device),
               scale = Tensor::from(Shape{1}, std::vector<float>{problem.scale}, device);
  const auto results = test::same_in_every_order([&] {
    const Tensor logits = Tensor::from(Shape{problem.rows, problem.classes}, problem.logits(), device);
    const Tensor losses = Tensor::empty(targets.shape(), DType::F32, device),
                 penalties = Tensor::empty(targets.shape(), DType::F32, device),
                 total = Tensor::empty(Shape{1}, DType::F32, device);
    const CudaQueue queue = test::queue();
    kernel::cross_entropy_in_place(queue, logits.view<float>(), targets.view<const std::int32_t>(),
                                   scale.view<const float>(), losses.view<float>(), {0.1F, penalties.view<float>()});
    kernel::cross_entropy_total(queue, losses.view<const float>(), scale.view<const float>(), total.view<float>());
    return std::vector{logits.to_vector<float>(), losses.to_vector<float>(), penalties.to_vector<float>(),
                       total.to_vector<float>()};
  });
  EXPECT_GT(results.at(3).at(0), 0.0F);
}

}  // namespace
}  // namespace isobath::emulated
