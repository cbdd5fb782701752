#include "ops/core/host_waits.hpp"

namespace isobath {
namespace {
thread_local std::int64_t waits = 0;
}

std::int64_t host_waits() { return waits; }
void count_host_wait() { ++waits; }

}  // namespace isobath
