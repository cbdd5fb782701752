#include "ops/core/threads.hpp"

#include <filesystem>
#include <stdexcept>
#include <thread>
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

TEST_F(KernelThreads, EndWhenAskedTo) {
  const auto threads_of_process = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
  };
  parallel_for(3, 1, [](std::int64_t, std::int64_t) {});
  const std::ptrdiff_t at_work = threads_of_process();
  end_idle_threads();
  // Gone from the pool at once, from the kernel's list a little later.
  while (threads_of_process() > at_work - 2) std::this_thread::yield();
  parallel_for(3, 1, [](std::int64_t, std::int64_t) {});
  EXPECT_EQ(threads_of_process(), at_work);
}

}  // namespace
}  // namespace isobath
