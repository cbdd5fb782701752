// A stand-in for the driver's management library, of which isobath asks by name only: two devices with 18 NVLink
// connections each, one of which the second device has lost. STANDIN_NVML=unloaded: a library without a driver behind
// it; lost: its devices do not answer; bare: none has a connection. Compiled with STANDIN_NVML_IS_OLD it is one from
// before there were any to ask of.

#include <cstdlib>
#include <cstring>
#include <string>

namespace {
constexpr int kSuccess = 0, kInvalidArgument = 2, kNotSupported = 3, kNotFound = 6, kDriverNotLoaded = 9, kLost = 15;
constexpr unsigned kLinks = 18, kLostLink = 5;
int devices[2];
int users = 0;

bool mood_is(const char* word) {
  const char* mood = std::getenv("STANDIN_NVML");
  return mood != nullptr && std::string(mood) == word;
}
}  // namespace

extern "C" {
/// How many began and have not ended.
int standin_users() { return users; }
int nvmlInit_v2() {
  if (mood_is("unloaded")) return kDriverNotLoaded;
  ++users;
  return kSuccess;
}
int nvmlShutdown() {
  --users;
  return kSuccess;
}
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
#ifndef STANDIN_NVML_IS_OLD
int nvmlDeviceGetNvLinkState(void* device, unsigned link, unsigned* is_active) {
  if (mood_is("lost")) return kLost;
  if (mood_is("bare")) return kNotSupported;
  if (link >= kLinks) return kInvalidArgument;
  *is_active = device == &devices[1] && link == kLostLink ? 0 : 1;
  return kSuccess;
}
#endif
}
