#pragma once
// One test body, run on every device that this build knows. Where there is no GPU, the CUDA half skips and says why.

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ops/core/device_memory.hpp"
#include "support/compare.hpp"

namespace isobath::test {

class OnDevice : public ::testing::TestWithParam<Device> {
 protected:
  void SetUp() override {
    if (device().is_cuda() && cuda_device_count() == 0) GTEST_SKIP() << "no GPU: " << cuda_status();
  }
  static Device device() { return GetParam(); }
};

inline std::string device_name(const ::testing::TestParamInfo<Device>& info) {
  return info.param.is_cpu() ? "cpu" : "cuda" + std::to_string(info.param.index);
}

#define ON_EVERY_DEVICE(suite) \
  INSTANTIATE_TEST_SUITE_P(Devices, suite, ::testing::Values(Device::cpu(), Device::cuda(0)), test::device_name)

/// The values rounded to T.
template <class T>
std::vector<T> rounded(const std::vector<float>& values) {
  std::vector<T> out;
  for (const float value : values) out.push_back(static_cast<T>(value));
  return out;
}

/// Whether two sequences have equal bits; -0 differs from 0, and a NaN equals itself.
template <class T>
::testing::AssertionResult equal_bits(const std::vector<T>& got, const std::vector<T>& want) {
  if (got.size() != want.size()) return ::testing::AssertionFailure() << got.size() << " elements, not " << want.size();
  for (std::size_t i = 0; i < got.size(); ++i)
    if (std::memcmp(&got[i], &want[i], sizeof(T)) != 0)
      return ::testing::AssertionFailure()
             << "element " << i << " is " << static_cast<float>(got[i]) << ", not " << static_cast<float>(want[i]);
  return ::testing::AssertionSuccess();
}

/// A tensor that begins `offset` elements into its storage, so that its address is no multiple of 16 bytes.
template <class T>
Tensor shifted(const Shape& shape, const std::vector<T>& values, std::int64_t offset, Device device) {
  std::vector<T> padded(static_cast<std::size_t>(offset), T{});
  padded.insert(padded.end(), values.begin(), values.end());
  return Tensor::from(Shape{static_cast<std::int64_t>(padded.size())}, padded, device).slice(offset, shape);
}

}  // namespace isobath::test
