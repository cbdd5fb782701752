#include "cudnn/planned.hpp"

#include <vector>

#include <cudnn_frontend.h>
#include <dlfcn.h>

namespace isobath::test {
namespace {

namespace fe = cudnn_frontend;

// The keys are those of cuDNN 9.19's own description of a device, which its manual does not list.
std::string description(const DeviceFacts& d) {
  const auto field = [](const char* key, const auto& value) { return text('"', key, "\": ", value); };
  const std::vector<std::string> fields{
      field("maxGridSize", "[2147483647, 65535, 65535]"),
      field("maxBlockSize", "[1024, 1024, 64]"),
      field("regsPerBlock", 65536),
      field("multiProcessorCount", d.multiprocessors),
      field("warpSize", 32),
      field("maxSharedMemoryPerBlock", 49152),
      field("maxSharedMemoryPerBlockOptin", d.shared_bytes),
      field("reservedSharedMemoryPerBlock", 1024),
      field("maxRegistersPerSM", 65536),
      field("maxCtasPerSM", 32),
      field("maxThreadsPerBlock", 1024),
      field("maxThreadsPerSM", 2048),
      field("pciDeviceId", d.pci_id),
      field("isTccDriver", 0),
      field("supportCoopLaunch", 1),
      field("smClockRateKHz", d.clock_khz),
      field("memClockRateKHz", d.memory_clock_khz),
      field("l2CacheSize", d.l2_bytes),
      field("deviceName", text('"', d.name, '"')),
      field("totalGlobalMem", std::int64_t{80} << 30),
      field("cudaDeviceId", 0),
      field("deviceVer", d.sm * 10),
      field("driverVer", 13000),
  };
  std::string out = "{";
  for (const std::string& each : fields) out += (out.size() > 1 ? ", " : "") + each;
  return out + "}";
}

std::shared_ptr<fe::DeviceProperties> properties_of(const DeviceFacts& device) {
  const std::string words = description(device);
  auto properties = std::make_shared<fe::DeviceProperties>();
  const fe::error_t error = properties->deserialize({words.begin(), words.end()});
  if (error.is_bad()) throw BackendError("cuDNN does not take the description of a device: " + error.err_msg);
  return properties;
}

// Code that exists is loaded into the device, and there is none.
bool fails_to_load_only(const fe::error_t& error) {
  return error.err_msg.find("cuLibraryLoadData") != std::string::npos;
}

}  // namespace

std::size_t cudnn_number() { return cudnnGetVersion(); }

std::string cannot_plan() {
  if (cudnn_number() / 100 != 919)
    return text("cuDNN ", cudnn_number(), " is not 9.19, whose description of a device is the one known");
  // cuDNN opens the driver by this name; a library that is loaded already is found by it.
  if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL) != nullptr) return {};
  if (dlopen(ISOBATH_CUDA_STUB, RTLD_NOW | RTLD_GLOBAL) != nullptr) return {};
  return "neither a driver nor the toolkit's stub of one is there";
}

Planned planned(const kernel::SdpaGraph& graph, const DeviceFacts& device) {
  graph->set_device_properties(properties_of(device));
  Planned out;
  fe::error_t error = graph->validate();
  if (error.is_good()) error = graph->build_operation_graph();
  if (error.is_good()) error = graph->create_execution_plans({fe::HeurMode_t::A});
  if (error.is_bad()) {
    out.refusal = error.err_msg;
    return out;
  }
  out.proposed = static_cast<int>(graph->get_execution_plan_count());
  for (int i = 0; i < out.proposed; ++i) {
    error = graph->build_plan_at_index(i);
    if (error.is_good() || fails_to_load_only(error))
      ++out.generated;
    else
      out.last_words = error.err_msg;
  }
  return out;
}

}  // namespace isobath::test
