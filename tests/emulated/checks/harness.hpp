#pragma once
// Small kernels under every order of threads and every schedule of streams.

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/core/cuda/device.cuh"
#include "ops/core/cuda/launch.hpp"
#include "ops/core/device_memory.hpp"
#include "tests/emulated/engine/fault.hpp"
#include "tests/emulated/engine/order.hpp"
#include "tests/emulated/streams/schedule.hpp"

namespace isobath::emulated::test {

inline const std::vector<Order> kOrders = {
    {OrderKind::Forward, 1}, {OrderKind::Reverse, 1}, {OrderKind::Random, 1}, {OrderKind::Random, 2}};

inline std::string name_of(Order order) {
  switch (order.kind) {
    case OrderKind::Forward:
      return "forward";
    case OrderKind::Reverse:
      return "reverse";
    case OrderKind::Random:
      return "random" + std::to_string(order.seed);
  }
  return "?";
}

/// Restores the order that the environment chose.
class OrderScope {
 public:
  explicit OrderScope(Order wanted) : before_(order()) { set_order(wanted); }
  ~OrderScope() { set_order(before_); }
  OrderScope(const OrderScope&) = delete;
  OrderScope& operator=(const OrderScope&) = delete;

 private:
  Order before_;
};

inline CudaQueue queue() { return current_cuda_queue(Device::cuda(0)); }

/// Runs everything that is queued on the device.
inline void finish() { cuda::check(cudaDeviceSynchronize(), "cudaDeviceSynchronize"); }

/// `count` elements of device memory, poisoned; read() copies them back.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count)
      : count_(count), data_(static_cast<T*>(cuda_allocate(queue(), count * sizeof(T)))) {
    finish();  // any stream may use it
  }
  ~DeviceArray() {
    finish();
    cuda_release(queue(), data_);
  }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() const { return data_; }
  std::vector<T> read() const {
    std::vector<T> out(count_);
    cuda_copy(Device::cuda(0), out.data(), data_, count_ * sizeof(T), CopyKind::DeviceToHost);
    return out;
  }
  void write(const std::vector<T>& values) const {
    cuda_copy(Device::cuda(0), data_, values.data(), count_ * sizeof(T), CopyKind::HostToDevice);
    cuda_wait(Device::cuda(0));  // any stream may use it
  }

 private:
  std::size_t count_;
  T* data_;
};

/// The message of the Fault that one block of `threads` throws to who launches it or waits for it; fails the test and
/// is empty without one.
template <class... Params, class... Args>
std::string fault_of(void (*kernel)(Params...), unsigned threads, Args&&... args) {
  try {
    cuda::launch("planted fault", kernel, {.blocks = 1, .threads = threads}, queue(), args...);
    finish();
  } catch (const Fault& fault) {
    return fault.what();
  }
  ADD_FAILURE() << "the fault was not seen";
  return "";
}

inline const std::vector<Schedule> kSchedules = {
    {ScheduleKind::Eager, 1}, {ScheduleKind::Late, 1}, {ScheduleKind::Random, 1}, {ScheduleKind::Random, 2}};

inline std::string name_of(Schedule schedule) {
  switch (schedule.kind) {
    case ScheduleKind::Eager:
      return "eager";
    case ScheduleKind::Late:
      return "late";
    case ScheduleKind::Random:
      return "random" + std::to_string(schedule.seed);
  }
  return "?";
}

/// Restores the schedule that the environment chose. Nothing stays queued.
class ScheduleScope {
 public:
  explicit ScheduleScope(Schedule wanted) : before_(schedule()) { set_schedule(wanted); }
  ~ScheduleScope() {
    finish();
    set_schedule(before_);
  }
  ScheduleScope(const ScheduleScope&) = delete;
  ScheduleScope& operator=(const ScheduleScope&) = delete;

 private:
  Schedule before_;
};

/// Tests that run under every schedule.
class InEverySchedule : public testing::TestWithParam<Schedule> {
 private:
  ScheduleScope scope_{GetParam()};
};

#define IN_EVERY_SCHEDULE(suite)                                                  \
  INSTANTIATE_TEST_SUITE_P(Schedules, suite, testing::ValuesIn(test::kSchedules), \
                           [](const auto& info) { return test::name_of(info.param); })

/// Tests that run under every order.
class InEveryOrder : public testing::TestWithParam<Order> {
 private:
  OrderScope scope_{GetParam()};
};

#define IN_EVERY_ORDER(suite)                                               \
  INSTANTIATE_TEST_SUITE_P(Orders, suite, testing::ValuesIn(test::kOrders), \
                           [](const auto& info) { return test::name_of(info.param); })

}  // namespace isobath::emulated::test
