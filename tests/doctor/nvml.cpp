// A stand-in for the driver's management library, of which isobath asks by name only: two devices with 18 NVLink
// connections each, one of which the second device has lost. STANDIN_NVML=unloaded: a library without a driver behind
// it.

#include <cstdlib>
#include <cstring>
#include <string>

namespace {
constexpr int kSuccess = 0, kInvalidArgument = 2, kNotFound = 6, kDriverNotLoaded = 9;
constexpr unsigned kLinks = 18, kLostLink = 5;
int devices[2];
}  // namespace

extern "C" {
int nvmlInit_v2() {
  const char* mood = std::getenv("STANDIN_NVML");
  return mood != nullptr && std::string(mood) == "unloaded" ? kDriverNotLoaded : kSuccess;
}
int nvmlShutdown() { return kSuccess; }
const char* nvmlErrorString(int error) { return error == kDriverNotLoaded ? "Driver Not Loaded" : "Other"; }
int nvmlSystemGetDriverVersion(char* version, unsigned length) {
  constexpr char kVersion[] = "580.65.06";
  if (length < sizeof(kVersion)) return kInvalidArgument;
  std::memcpy(version, kVersion, sizeof(kVersion));
  return kSuccess;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, void** device) {
  const std::string id = bus_id;
  if (id != "0000:01:00.0" && id != "0000:02:00.0") return kNotFound;
  *device = &devices[id == "0000:01:00.0" ? 0 : 1];
  return kSuccess;
}
int nvmlDeviceGetNvLinkState(void* device, unsigned link, unsigned* is_active) {
  if (link >= kLinks) return kInvalidArgument;
  *is_active = device == &devices[1] && link == kLostLink ? 0 : 1;
  return kSuccess;
}
}
