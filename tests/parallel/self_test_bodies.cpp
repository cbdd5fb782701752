// The check at start-up, on ranks that are connected, and its arithmetic on answers that others would give.

#include "parallel/self_test.hpp"
#include "support/ranked/bodies.hpp"

namespace isobath {
namespace {

RANKED_TEST(SelfTest, passes_on_connected_ranks) { EXPECT_NO_THROW(test_sums(ranks)); }

RANKED_TEST(SelfTest, knows_a_wrong_answer) {
  EXPECT_EQ(wrong_sum(10, 4), "");
  EXPECT_EQ(wrong_sum(1, 1), "");
  for (const double wrong : {1.0, 9.0, 0.0, 16.0})
    EXPECT_NE(wrong_sum(wrong, 4).find("instead of 10"), std::string::npos);
}

}  // namespace
}  // namespace isobath
