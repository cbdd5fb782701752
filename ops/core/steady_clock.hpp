#pragma once

#include <chrono>
#include <cstdint>

namespace isobath {

/// Nanoseconds of the steady clock, whose zero is the same for all threads and processes of a host.
inline std::int64_t nanoseconds_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace isobath
