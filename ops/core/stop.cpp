#include "ops/core/stop.hpp"

#include <atomic>

namespace isobath {
namespace {

std::atomic<bool> wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler writes it");

}  // namespace

void request_stop() noexcept { wanted.store(true, std::memory_order_relaxed); }
bool stop_requested() noexcept { return wanted.load(std::memory_order_relaxed); }
void withdraw_stop() noexcept { wanted.store(false, std::memory_order_relaxed); }

}  // namespace isobath
