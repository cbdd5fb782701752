// Attention and its gradients do not depend on the order of threads and blocks.

#include "gpu/attention_runs.hpp"
#include "tests/emulated/ops/every_order.hpp"

namespace isobath::emulated {
namespace {

using namespace isobath::test;

template <class T>
void expect_equal_bits(std::int64_t width) {
  std::mt19937 random(5);
  const RowSet queries = choose(Choice::Half, 3, 150, random), keys = choose(Choice::Half, 3, 150, random);
  const Problem problem = make_problem(queries, keys, 4, width, 13, 2);
  const auto results = test::same_in_every_order([&] {
    const Result result = run_on<T>(Device::cuda(0), problem);
    return std::vector{result.out.to_vector<T>(), result.grad_q.to_vector<T>(), result.grad_k.to_vector<T>(),
                       result.grad_v.to_vector<T>()};
  });
  for (const auto& result : results)
    for (const T value : result) ASSERT_TRUE(std::isfinite(static_cast<float>(value)));
}

TEST(AttentionOrders, GiveEqualBits) { expect_equal_bits<float>(24); }
TEST(AttentionOrders, GiveEqualBitsInBFloat16) { expect_equal_bits<bfloat16>(24); }

}  // namespace
}  // namespace isobath::emulated
