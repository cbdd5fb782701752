#pragma once

#include <cstddef>
#include <cstring>
#include <span>

namespace isobath {

/// The value whose bytes begin at `at`, in the order of this machine; the caller has checked that they are there.
template <class T>
T value_at(std::span<const std::byte> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

}  // namespace isobath
