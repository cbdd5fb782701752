#pragma once
// Shared memory of a block. Every piece is filled with a poison before the block's first thread sees it (as f32 and
// bf16 a NaN, as an index far out of range), and ASan knows where each piece ends.

#include <cstddef>
#include <type_traits>

namespace isobath::emulated {

/// The piece of the current block that goes by the name `key`; the first caller makes it.
void* shared_piece(const void* key, std::size_t bytes);
/// The dynamic piece, of the size the launch asked for. Throws Fault when it asked for none.
void* dynamic_piece();

template <class T>
inline constexpr char shared_key = 0;

template <class T>
T& block_shared() {
  static_assert(std::is_trivially_destructible_v<T>);
  return *static_cast<T*>(shared_piece(&shared_key<T>, sizeof(T)));
}

template <class T>
T* dynamic_shared() {
  return static_cast<T*>(dynamic_piece());
}

}  // namespace isobath::emulated
