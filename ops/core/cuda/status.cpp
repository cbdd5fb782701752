// Which devices answer. That none does is an answer, not an error: the same program trains on the CPU then.

#include <string>

#include <cuda_runtime.h>

#include "ops/core/cuda/check.hpp"
#include "ops/core/device_memory.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

struct Answer {
  int devices = 0;
  std::string words;
};

Answer ask() {
  int count = 0;  // a failing call leaves it as it is
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return {count, text(count, count == 1 ? " CUDA device" : " CUDA devices")};
  cudaGetLastError();
  if (error == cudaSuccess) return {0, "no CUDA device is visible"};
  return {0, text("no CUDA device answers: ", cudaGetErrorString(error), " (", cudaGetErrorName(error), ')')};
}

const Answer& answer() {
  static const Answer instance = ask();
  return instance;
}

}  // namespace

std::string cuda_device_name(Device device) {
  cudaDeviceProp properties{};
  cuda::check(cudaGetDeviceProperties(&properties, device.index), "cudaGetDeviceProperties");
  return properties.name;
}

int cuda_device_count() { return answer().devices; }
const char* cuda_status() { return answer().words.c_str(); }

}  // namespace isobath
