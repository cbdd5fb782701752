#include "ops/core/cuda/report/nvml.hpp"

#include <dlfcn.h>

#include "ops/core/error.hpp"

namespace isobath::cuda {
namespace {

// The part of NVML's binary interface that is used here, by hand: its header comes with the driver's development files,
// which machines that build programs seldom have. Numbers are those of NVML's API reference.
constexpr int kSuccess = 0;
constexpr int kNotSupported = 3;
constexpr int kInvalidArgument = 2;
constexpr unsigned kMostLinks = 36;  // of any device so far; one too many is answered with an error
constexpr unsigned kVersionBytes = 96;

using DeviceHandle = void*;
using Start = int (*)();
using Stop = int (*)();
using ErrorWords = const char* (*)(int);
using DriverVersion = int (*)(char*, unsigned);
using FindDevice = int (*)(const char*, DeviceHandle*);
using LinkState = int (*)(DeviceHandle, unsigned, unsigned*);

}  // namespace

template <class Function>
Function Nvml::find(const char* name) const {
  return library_ == nullptr ? nullptr : reinterpret_cast<Function>(dlsym(library_, name));
}

std::string Nvml::words(int error) const {
  const auto say = find<ErrorWords>("nvmlErrorString");
  return say == nullptr ? text("error ", error) : text(say(error), " (", error, ')');
}

Nvml::Nvml() : library_(dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)) {
  if (library_ == nullptr) {
    absence_ = "unknown: the driver's libnvidia-ml.so.1 is not there";
    return;
  }
  const auto start = find<Start>("nvmlInit_v2");
  const int answer = start == nullptr ? kNotSupported : start();
  if (answer != kSuccess) absence_ = text("unknown: nvmlInit: ", words(answer));
}

Nvml::~Nvml() {
  if (library_ == nullptr) return;
  const auto stop = find<Stop>("nvmlShutdown");
  if (absence_.empty() && stop != nullptr) stop();  // nothing can be done about an answer that is not success
  dlclose(library_);
}

std::string Nvml::driver_version() const {
  const auto ask = find<DriverVersion>("nvmlSystemGetDriverVersion");
  char version[kVersionBytes] = {};
  if (!absence_.empty() || ask == nullptr || ask(version, kVersionBytes) != kSuccess) return {};
  return version;
}

std::string Nvml::links(const std::string& bus_id) const {
  if (!absence_.empty()) return absence_;
  const auto find_device = find<FindDevice>("nvmlDeviceGetHandleByPciBusId_v2");
  const auto state = find<LinkState>("nvmlDeviceGetNvLinkState");
  if (find_device == nullptr || state == nullptr) return "unknown: the driver is too old to say";
  DeviceHandle device = nullptr;
  if (const int answer = find_device(bus_id.c_str(), &device); answer != kSuccess)
    return text("unknown: nvmlDeviceGetHandleByPciBusId: ", words(answer));
  int active = 0, present = 0;
  for (unsigned link = 0; link < kMostLinks; ++link) {
    unsigned is_active = 0;
    const int answer = state(device, link, &is_active);
    if (answer == kNotSupported || answer == kInvalidArgument) continue;  // no such link
    if (answer != kSuccess) return text("unknown: nvmlDeviceGetNvLinkState: ", words(answer));
    ++present;
    if (is_active != 0) ++active;
  }
  return present == 0 ? "no NVLink" : text(active, " of ", present, " NVLink links active");
}

}  // namespace isobath::cuda
