#pragma once
// What only the management library of the driver knows. It is opened when it is asked for: a machine without a driver
// has none, and isobath starts there all the same.

#include <string>

namespace isobath::cuda {

class Nvml {
 public:
  /// Opens libnvidia-ml.so.1. Without it every answer says that it is not there.
  Nvml();
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  /// The driver's own version ("580.65.06"); empty when nobody knows it.
  std::string driver_version() const;
  /// The NVLink connections of the device at a PCI bus id as the CUDA runtime writes it ("0000:1B:00.0"), in words.
  std::string links(const std::string& bus_id) const;

 private:
  template <class Function>
  Function find(const char* name) const;
  std::string words(int error) const;

  void* library_ = nullptr;
  std::string absence_;  // why there are no answers; empty when there are
};

}  // namespace isobath::cuda
