// Attention and its gradients do not depend on the order of threads and blocks.

#include "gpu/attention_runs.hpp"
#include "tests/emulated/ops/every_order.hpp"

namespace isobath::emulated {
namespace {

using namespace isobath::test;

TEST(AttentionOrders, GiveEqualBits) {
  std::mt19937 random(5);
  const RowSet queries = choose(Choice::Half, 3, 150, random), keys = choose(Choice::Half, 3, 150, random);
  const Problem problem = make_problem(queries, keys, 4, 24, 13, 2);
  const auto results = test::same_in_every_order([&] {
    const Result result = run_on<float>(Device::cuda(0), problem);
    return std::vector{result.out.to_vector<float>(), result.grad_q.to_vector<float>(),
                       result.grad_k.to_vector<float>(), result.grad_v.to_vector<float>()};
  });
  for (const auto& result : results)
    for (const float value : result) ASSERT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace isobath::emulated
