#pragma once
// Every place where the host waits for a device counts itself here, so that a test can assert that the step has exactly
// one.

#include <cstdint>

namespace isobath {

/// Waits of the calling thread so far.
std::int64_t host_waits();
void count_host_wait();

}  // namespace isobath
