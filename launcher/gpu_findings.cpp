#include "launcher/gpu_findings.hpp"

#include "ops/core/cuda_report.hpp"
#include "ops/core/device_memory.hpp"
#include "ops/core/error.hpp"
#include "ops/sdpa/sdpa.hpp"
#include "parallel/nccl_communicator.hpp"

namespace isobath {
namespace {

Finding devices_finding() {
  const int devices = cuda_device_count();
  if (devices > 0) return {"CUDA devices", text(devices), ""};
  return {"CUDA devices", text("0 (", cuda_status(), ")"), "none needed: system.device: cpu trains everywhere"};
}

Finding device_finding(std::size_t index, const CudaDeviceReport& device) {
  return {text("cuda:", index),
          text(device.name, ", ", device.bytes >> 20, " MiB, compute capability ", device.major, '.', device.minor,
               ", ", device.multiprocessors, " multiprocessors"),
          ""};
}

}  // namespace

std::vector<Finding> gpu_findings() {
  const CudaReport report = cuda_report();
  std::vector<Finding> findings{
      devices_finding(), {"CUDA driver", report.driver, ""}, {"CUDA runtime", report.runtime, ""}};
  for (std::size_t i = 0; i < report.devices.size(); ++i) {
    findings.push_back(device_finding(i, report.devices[i]));
    findings.push_back({text("cuda:", i, " NVLink"), report.devices[i].links, ""});
  }
  if (report.devices.empty()) findings.push_back({"NVLink", "none: there is no CUDA device", ""});
  findings.push_back({"NCCL", nccl_version(), ""});
  findings.push_back({"cuDNN", cudnn_version(), ""});
  return findings;
}

}  // namespace isobath
