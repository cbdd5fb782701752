// The row sets that routers choose do not depend on the order of threads and blocks.

#include "ops/top_k/top_k.hpp"
#include "tests/emulated/ops/every_order.hpp"

namespace isobath::emulated {
namespace {

TEST(RoutingOrders, GiveEqualSets) {
  const std::int64_t batch = 3, length = 300;
  std::vector<float> scores = isobath::test::random_values(batch * length, 51);
  for (float& score : scores) score = std::floor(score * 8.0F);  // many ties
  const Tensor on_device = Tensor::from(Shape{batch * length}, scores, Device::cuda(0));
  const auto sets = test::same_in_every_order([&] {
    const RowSet chosen = top_k(on_device, batch, length, 70), above = rows_above(on_device, batch, length, 1.0F);
    std::vector<std::vector<std::int32_t>> out;
    for (const RowSet* set : {&chosen, &above})
      for (const Tensor* part : {&set->rows(), &set->offsets(), &set->positions()})
        out.push_back(part->to_vector<std::int32_t>());
    return out;
  });
  EXPECT_EQ(sets.at(0).size(), 210u);
  EXPECT_GT(sets.at(3).size(), 100u);
}

}  // namespace
}  // namespace isobath::emulated
