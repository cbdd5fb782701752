// The reductions that kernels are made of. Sums of small integers are exact in f32, so every order gives the same bits.

#include "tests/gpu/sums_cuda.hpp"

#include <gtest/gtest.h>

#include "ops/core/device_memory.hpp"

namespace isobath {
namespace {

TEST(BlockSums, EveryThreadGetsTheWholeSum) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU: " << cuda_status();
  for (const int threads : {32, 64, 256, 1024}) {
    std::vector<float> values;
    float total = 0.0F;
    for (int i = 0; i < threads; ++i) total += values.emplace_back(static_cast<float>(i * i % 37 - 9));
    const test::ThreadSums got = test::sums_on_device(values);
    for (int i = 0; i < threads; ++i) {
      float of_warp = 0.0F;
      for (int j = i / 32 * 32; j < i / 32 * 32 + 32; ++j) of_warp += values[static_cast<std::size_t>(j)];
      EXPECT_EQ(got.of_warp[static_cast<std::size_t>(i)], of_warp) << threads << " threads, thread " << i;
      EXPECT_EQ(got.of_block[static_cast<std::size_t>(i)], total) << threads << " threads, thread " << i;
      EXPECT_EQ(got.of_block_before[static_cast<std::size_t>(i)], total) << threads << " threads, thread " << i;
      EXPECT_EQ(got.of_block_twice[static_cast<std::size_t>(i)], 2.0F * total) << threads << " threads, thread " << i;
    }
  }
}

}  // namespace
}  // namespace isobath
