#include "ops/core/threads.hpp"

#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace isobath {
namespace {

class KernelThreads : public testing::Test {
 protected:
  KernelThreads() : before_(kernel_threads()) { set_kernel_threads(3); }
  ~KernelThreads() override { set_kernel_threads(before_); }

 private:
  int before_;
};

TEST_F(KernelThreads, CarryAnExceptionToTheCaller) {
  const auto fails_at_the_end = [](std::int64_t, std::int64_t end) {
    if (end == 9) throw std::runtime_error("the last piece");
  };
  EXPECT_THROW(parallel_for(9, 1, fails_at_the_end), std::runtime_error);
  EXPECT_THROW(parallel_tasks(9, [](std::int64_t) { throw std::bad_alloc(); }), std::bad_alloc);
}

TEST_F(KernelThreads, WorkOnAfterAnException) {
  EXPECT_THROW(parallel_tasks(9, [](std::int64_t) { throw std::bad_alloc(); }), std::bad_alloc);
  std::vector<int> visits(1000);
  parallel_for(1000, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
  });
  EXPECT_EQ(visits, std::vector<int>(1000, 1));
}

}  // namespace
}  // namespace isobath
