#pragma once
// Atomic operations, relaxed as on the device. Integers only: the house has no floating-point atomics, because their
// result depends on the schedule.

#include <algorithm>
#include <atomic>
#include <concepts>
#include <type_traits>

namespace isobath::emulated {

/// In random order, lets another thread of the block run first, now and then.
void perhaps_yield();

template <std::integral T, class Change>
T exchange_by(T* address, Change change) {
  perhaps_yield();
  const std::atomic_ref<T> cell(*address);
  T before = cell.load(std::memory_order_relaxed);
  while (!cell.compare_exchange_weak(before, change(before), std::memory_order_relaxed)) {
  }
  return before;
}

}  // namespace isobath::emulated

template <std::integral T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return isobath::emulated::exchange_by(address, [value](T before) { return static_cast<T>(before + value); });
}

template <std::integral T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  return isobath::emulated::exchange_by(address, [value](T before) { return std::min(before, value); });
}

template <std::integral T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  return isobath::emulated::exchange_by(address, [value](T before) { return std::max(before, value); });
}

template <std::integral T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  return isobath::emulated::exchange_by(address, [value](T) { return value; });
}

template <std::integral T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return isobath::emulated::exchange_by(address, [=](T before) { return before == expected ? value : before; });
}
