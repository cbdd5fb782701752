// What goes to a device while the host goes on: values as they were at the call, no wait, and pinned memory that stops
// growing.

#include "gpu/devices.hpp"
#include "ops/core/cuda/staging.hpp"
#include "ops/core/host_waits.hpp"

namespace isobath {
namespace {

class Upload : public test::OnDevice {
 protected:
  /// Pinned bytes of the device under test.
  static std::size_t staged() {
    current_cuda_queue(device());
    return cuda::staged_bytes();
  }
};

TEST_P(Upload, TakesTheValuesOfTheCallAndDoesNotWait) {
  constexpr std::int64_t kLong = (5 << 20) / 4;  // floats: more than a block of pinned memory holds
  for (const std::int64_t count : {std::int64_t{1}, std::int64_t{129}, kLong}) {
    const std::int64_t before = host_waits();
    std::vector<float> values = test::random_values(count, 3);
    const std::vector<float> sent = values;
    const Tensor tensor = Tensor::from(Shape{count}, values, device());
    std::fill(values.begin(), values.end(), -1.0F);
    EXPECT_EQ(host_waits(), before);
    EXPECT_TRUE(test::equal_bits(tensor.to_vector<float>(), sent)) << count;
  }
}

TEST_P(Upload, OfAStepTakesThePinnedMemoryOfTheLast) {
  const auto step = [] {
    std::vector<Tensor> kept;
    for (int i = 0; i < 40; ++i) {
      const std::vector<float> values(static_cast<std::size_t>(1000 * (1 + i % 3)), static_cast<float>(i));
      kept.push_back(Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, values, device()));
    }
    for (int i = 0; i < 40; ++i)
      EXPECT_EQ(kept[static_cast<std::size_t>(i)].to_vector<float>().back(), static_cast<float>(i));
  };
  step();
  // How many blocks are on their way at a time depends on how far the device lags behind: by one step at most.
  constexpr std::size_t kOfAStep = 14 * 4096 + 13 * 8192 + 13 * 16384;
  const std::size_t first = staged();
  for (int i = 0; i < 50; ++i) step();
  EXPECT_LE(staged(), first + kOfAStep);
}

TEST_P(Upload, OfMoreThanThereIsPinnedMemoryArrives) {
  const auto count = static_cast<std::int64_t>(cuda::kMostStaged) / 4 + 1000;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1021);
  const Tensor tensor = Tensor::from(Shape{count}, values, device());
  EXPECT_LE(staged(), cuda::kMostStaged + (std::size_t{4} << 20));
  EXPECT_TRUE(test::equal_bits(tensor.to_vector<float>(), values));
}

// The device has so much to do before that nothing of it has been read when the pinned memory ends.
TEST_P(Upload, WaitsForPinnedMemoryThatIsStillToBeRead) {
  const Tensor before = Tensor::empty(Shape{1}, DType::F32, device());
  for (int i = 0; i < 200; ++i) before.fill_zero();
  const auto count = static_cast<std::int64_t>(cuda::kMostStaged) / 4 + (4 << 20);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1021);
  const Tensor tensor = Tensor::from(Shape{count}, values, device());
  EXPECT_TRUE(test::equal_bits(tensor.to_vector<float>(), values));
}

INSTANTIATE_TEST_SUITE_P(Devices, Upload, ::testing::Values(Device::cuda(0)), test::device_name);

}  // namespace
}  // namespace isobath
