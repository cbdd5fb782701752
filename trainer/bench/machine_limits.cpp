#include "trainer/bench/machine_limits.hpp"

#include <algorithm>

#include "ops/autograd/tape.hpp"
#include "ops/core/cpu/matmul.hpp"
#include "ops/linear/linear.hpp"
#include "ops/tensor/convert.hpp"
#include "trainer/bench/measuring.hpp"

namespace isobath {
namespace {

// What a launch and a look at the clock cost, some microseconds, is nothing beside it.
constexpr double kLongEnough = 3e-3;

/// Seconds of one `work`, the best of a few rounds that queue several before anybody waits.
double seconds_on(Device device, const std::function<void()>& work) {
  constexpr int kRounds = 3, kInARow = 4;
  work();  // the library chooses its algorithm
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    wait_for(device);
    best = std::min(best, seconds_of([&] {
                      for (int i = 0; i < kInARow; ++i) work();
                      wait_for(device);
                    }));
  }
  return best / kInARow;
}

template <class T>
double cpu_peak_in() {
  constexpr std::int64_t kM = 2048, kN = 3072, kK = 768;
  constexpr int kRuns = 20;
  const Tensor a = Tensor::zeros(Shape{kM, kK}, dtype_of<T>), b = Tensor::zeros(Shape{kK, kN}, dtype_of<T>);
  const Tensor c = Tensor::empty(Shape{kM, kN}, DType::F32);
  const auto matrix = []<class Element>(const Tensor& t, Element*) {
    return kernel::Matrix<Element>::dense(t.view<Element>().data, t.dim(0), t.dim(1));
  };
  const auto left = matrix(a, static_cast<T*>(nullptr)), right = matrix(b, static_cast<T*>(nullptr));
  const auto product = matrix(c, static_cast<float*>(nullptr));
  double best = 1e9;
  for (int run = 0; run < kRuns; ++run)
    best = std::min(best, seconds_of([&] { kernel::matmul<T, float>(left, right, product, Accumulate::Overwrite); }));
  return 2.0 * kM * kN * kK / best;
}

double device_peak_in(DType dtype, Device device) {
  const NoGrad no_grad;
  double peak = 0.0, seconds = 0.0;
  for (std::int64_t width = 256; width <= 8192 && seconds < kLongEnough; width *= 2) {
    const Tensor a = Tensor::zeros(Shape{width, width}, dtype, device), b = Tensor::zeros(a.shape(), dtype, device);
    seconds = seconds_on(device, [&] { linear(a, b, {}); });
    const auto side = static_cast<double>(width);
    peak = std::max(peak, 2.0 * side * side * side / seconds);
  }
  return peak;
}

double cpu_bandwidth() {
  constexpr std::int64_t kCount = std::int64_t{1} << 27;
  const Tensor from = Tensor::zeros(Shape{kCount}, DType::F32), to = Tensor::zeros(Shape{kCount}, DType::F32);
  double best = 1e9;
  for (int run = 0; run < 5; ++run) best = std::min(best, seconds_of([&] { convert(from, to); }));
  return static_cast<double>(from.bytes() + to.bytes()) / best;
}

// Of the largest arrays alone: caches hold the smaller ones.
double device_bandwidth(Device device) {
  double bandwidth = 0.0, seconds = 0.0;
  for (std::int64_t count = 1 << 16; count <= 1 << 28 && seconds < kLongEnough; count *= 4) {
    const Tensor from = Tensor::zeros(Shape{count}, DType::F32, device),
                 to = Tensor::zeros(from.shape(), DType::F32, device);
    seconds = seconds_on(device, [&] { convert(from, to); });
    bandwidth = static_cast<double>(from.bytes() + to.bytes()) / seconds;
  }
  return bandwidth;
}

}  // namespace

double measure_peak(DTypeChoice dtype, Device device) {
  const bool is_bf16 = dtype == DTypeChoice::Bf16;
  if (device.is_cuda()) return device_peak_in(is_bf16 ? DType::BF16 : DType::F32, device);
  return is_bf16 ? cpu_peak_in<bfloat16>() : cpu_peak_in<float>();
}

double measure_bandwidth(Device device) { return device.is_cuda() ? device_bandwidth(device) : cpu_bandwidth(); }

double measure_bus_bandwidth(Communicator& ranks, std::int64_t count, Device device) {
  if (ranks.size() == 1) return 0.0;
  constexpr int kRounds = 5;
  const Tensor data = Tensor::zeros(Shape{count}, DType::F32, device);
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    wait_for(device);
    best = std::min(best, seconds_of_slowest(ranks, [&] {
                      ranks.all_reduce(data, Reduce::Sum).before_work_on(device);
                      wait_for(device);
                    }));
  }
  return static_cast<double>(data.bytes()) * 2.0 * (ranks.size() - 1) / ranks.size() / best;
}

}  // namespace isobath
