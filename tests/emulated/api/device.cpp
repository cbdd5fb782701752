#include "tests/emulated/api/device.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/emulated/api/waits.hpp"
#include "tests/emulated/engine/shared_arena.hpp"
#include "tests/emulated/graphs/capture.hpp"
#include "tests/emulated/streams/scheduler.hpp"

namespace {

using isobath::emulated::Pieces;
using isobath::emulated::report;
using isobath::emulated::SharedArena;

int device_count() {
  const char* const variable = std::getenv("ISOBATH_EMULATED_DEVICES");
  return variable == nullptr ? 1 : std::stoi(variable);
}

bool is_device(int device) { return device >= 0 && device < device_count(); }

thread_local int chosen_device = 0;

struct Attribute {
  cudaDeviceAttr name;
  int value;
};

constexpr Attribute kAttributes[] = {
    {cudaDevAttrMaxThreadsPerBlock, 1024},
    {cudaDevAttrMaxSharedMemoryPerBlock, SharedArena::kStaticLimit},
    {cudaDevAttrWarpSize, 32},
    {cudaDevAttrMultiProcessorCount, 4},
    {cudaDevAttrComputeCapabilityMajor, 9},
    {cudaDevAttrComputeCapabilityMinor, 0},
    {cudaDevAttrMaxSharedMemoryPerBlockOptin, SharedArena::kDynamicLimit},
    {cudaDevAttrMemoryPoolsSupported, 1},
};

constexpr int kCudaVersion = 13000;

int value_of(cudaDeviceAttr attribute) {
  for (const Attribute& known : kAttributes)
    if (known.name == attribute) return known.value;
  return 0;
}

}  // namespace

cudaError_t cudaDriverGetVersion(int* version) {
  *version = kCudaVersion;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kCudaVersion;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = device_count();
  return report(*count == 0 ? cudaErrorNoDevice : cudaSuccess);
}

cudaError_t cudaSetDevice(int device) {
  if (!is_device(device)) return report(cudaErrorInvalidDevice);
  chosen_device = device;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = chosen_device;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (!is_device(device)) return report(cudaErrorInvalidDevice);
  for (const Attribute& known : kAttributes) {
    if (known.name != attribute) continue;
    *value = known.value;
    return cudaSuccess;
  }
  return report(cudaErrorInvalidValue);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (!is_device(device)) return report(cudaErrorInvalidDevice);
  *properties = {"CUDA emulated on the CPU, whose times mean nothing", Pieces::device_bytes(),
                 value_of(cudaDevAttrMultiProcessorCount), value_of(cudaDevAttrComputeCapabilityMajor),
                 value_of(cudaDevAttrComputeCapabilityMinor)};
  return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char* bus_id, int length, int device) {
  if (!is_device(device)) return report(cudaErrorInvalidDevice);
  const int needed = std::snprintf(bus_id, static_cast<std::size_t>(length), "0000:%02X:00.0", device + 1);
  return report(needed < length ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaDeviceSynchronize() {
  if (const auto refused = isobath::emulated::Captures::instance().ask_device(chosen_device)) return *refused;
  isobath::emulated::note_wait();
  isobath::emulated::Scheduler::instance().finish_device(chosen_device);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = Pieces::device_bytes();
  *free = *total - Pieces::all().bytes_on(chosen_device);
  return cudaSuccess;
}

namespace isobath::emulated {

int current_device() { return chosen_device; }

}  // namespace isobath::emulated
