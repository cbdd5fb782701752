// The host's one look into the device within a step.

#include "gpu/devices.hpp"
#include "ops/core/cuda/read_word.hpp"
#include "ops/core/host_waits.hpp"

namespace isobath {
namespace {

TEST(ReadWord, IsTheWordAndOneWait) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU: " << cuda_status();
  const Device device = Device::cuda(0);
  const Tensor words = Tensor::from(Shape{3}, std::vector<std::int32_t>{7, -8, 1 << 30}, device);
  const std::int32_t* const data = words.view<const std::int32_t>().data;
  for (const auto& [index, want] : {std::pair{0, 7}, std::pair{1, -8}, std::pair{2, 1 << 30}}) {
    const std::int64_t before = host_waits();
    EXPECT_EQ(cuda::read_word(current_cuda_queue(device), data + index), want);
    EXPECT_EQ(host_waits() - before, 1);
  }
}

}  // namespace
}  // namespace isobath
