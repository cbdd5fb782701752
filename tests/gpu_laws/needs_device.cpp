// Makes the tests of a program those of a CUDA device. Where none answers, all of them skip and say why.

#include <cstdlib>

#include <gtest/gtest.h>

#include "ops/core/device_memory.hpp"

namespace isobath {
namespace {

class NeedsDevice : public testing::Environment {
 public:
  void SetUp() override {
    setenv("ISOBATH_TEST_DEVICE", "cuda", 1);
    if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU: " << cuda_status();
  }
};
[[maybe_unused]] testing::Environment* const added = testing::AddGlobalTestEnvironment(new NeedsDevice);

}  // namespace
}  // namespace isobath
