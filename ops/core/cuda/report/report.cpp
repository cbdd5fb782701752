#include <cuda_runtime.h>

#include "ops/core/cuda/check.hpp"
#include "ops/core/cuda/report/nvml.hpp"
#include "ops/core/cuda_report.hpp"
#include "ops/core/device_memory.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

// 13020 means 13.2.
std::string version_text(int version) { return text(version / 1000, '.', version % 1000 / 10); }

std::string driver_text(const cuda::Nvml& nvml) {
  int version = 0;
  cuda::check(cudaDriverGetVersion(&version), "cudaDriverGetVersion");
  if (version == 0) return "none: no NVIDIA driver answers";
  const std::string own = nvml.driver_version();
  return text(own, own.empty() ? "" : ", ", "for CUDA up to ", version_text(version));
}

std::string runtime_text() {
  int version = 0;
  cuda::check(cudaRuntimeGetVersion(&version), "cudaRuntimeGetVersion");
  return version_text(version);
}

CudaDeviceReport device_report(int device, const cuda::Nvml& nvml) {
  cudaDeviceProp found{};
  cuda::check(cudaGetDeviceProperties(&found, device), "cudaGetDeviceProperties");
  char bus_id[32] = {};
  cuda::check(cudaDeviceGetPCIBusId(bus_id, sizeof(bus_id), device), "cudaDeviceGetPCIBusId");
  return {found.name,
          static_cast<std::int64_t>(found.totalGlobalMem),
          found.multiProcessorCount,
          found.major,
          found.minor,
          nvml.links(bus_id)};
}

}  // namespace

CudaReport cuda_report() {
  const cuda::Nvml nvml;
  CudaReport report{driver_text(nvml), runtime_text(), {}};
  for (int device = 0; device < cuda_device_count(); ++device) report.devices.push_back(device_report(device, nvml));
  return report;
}

}  // namespace isobath
