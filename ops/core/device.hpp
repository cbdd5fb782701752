#pragma once
// Where a buffer lives.

#include <ostream>

namespace isobath {

/// `Meta` has shapes but no storage: a model run on it yields memory and FLOP counts without computing (--dry-run).
enum class DeviceKind { Cpu, Cuda, Meta };

struct Device {
  DeviceKind kind = DeviceKind::Cpu;
  int index = 0;

  static constexpr Device cpu() { return {}; }
  static constexpr Device cuda(int index) { return {DeviceKind::Cuda, index}; }
  static constexpr Device meta() { return {DeviceKind::Meta, 0}; }
  constexpr bool is_cpu() const { return kind == DeviceKind::Cpu; }
  constexpr bool is_cuda() const { return kind == DeviceKind::Cuda; }
  constexpr bool is_meta() const { return kind == DeviceKind::Meta; }
  constexpr bool operator==(const Device&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, Device device) {
  if (device.is_cuda()) return out << "cuda:" << device.index;
  return out << (device.is_cpu() ? "cpu" : "meta");
}

}  // namespace isobath
