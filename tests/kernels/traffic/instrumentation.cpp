// The functions that code compiled with -fsanitize=thread calls at its loads and stores. The sanitizer itself is not
// linked: kernels are compiled so to be counted. GCC puts the calls in after it has removed needless loads and before
// it makes vectors of loops, so what is counted is about what nvcc leaves.

#include <cstddef>
#include <cstdint>

#include "kernels/traffic/recorder.hpp"

namespace {

using isobath::traffic::Kind;
using isobath::traffic::Recorder;

void load(const void* address, std::size_t bytes) { Recorder::instance().note(address, bytes, Kind::Load); }
void store(const void* address, std::size_t bytes) { Recorder::instance().note(address, bytes, Kind::Store); }
void change(const void* address, std::size_t bytes) {
  load(address, bytes);
  store(address, bytes);
}

}  // namespace

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_read_range(void* address, std::size_t bytes) { load(address, bytes); }
void __tsan_write_range(void* address, std::size_t bytes) { store(address, bytes); }

#define ISOBATH_PLAIN(bytes)                                                 \
  void __tsan_read##bytes(void* address) { load(address, bytes); }           \
  void __tsan_write##bytes(void* address) { store(address, bytes); }         \
  void __tsan_unaligned_read##bytes(void* address) { load(address, bytes); } \
  void __tsan_unaligned_write##bytes(void* address) { store(address, bytes); }
ISOBATH_PLAIN(1)
ISOBATH_PLAIN(2)
ISOBATH_PLAIN(4)
ISOBATH_PLAIN(8)
ISOBATH_PLAIN(16)
#undef ISOBATH_PLAIN

// Atomic operations are theirs to execute, too; as strong as any caller may ask.
#define ISOBATH_CHANGE(name, bits, T, builtin)                        \
  T __tsan_atomic##bits##_##name(volatile T* address, T value, int) { \
    change(const_cast<const T*>(address), sizeof(T));                 \
    return builtin(address, value, __ATOMIC_SEQ_CST);                 \
  }
#define ISOBATH_ATOMIC(bits, T)                                                                              \
  T __tsan_atomic##bits##_load(const volatile T* address, int) {                                             \
    load(const_cast<const T*>(address), sizeof(T));                                                          \
    return __atomic_load_n(address, __ATOMIC_SEQ_CST);                                                       \
  }                                                                                                          \
  void __tsan_atomic##bits##_store(volatile T* address, T value, int) {                                      \
    store(const_cast<const T*>(address), sizeof(T));                                                         \
    __atomic_store_n(address, value, __ATOMIC_SEQ_CST);                                                      \
  }                                                                                                          \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* address, T* expected, T value, int, int) {   \
    change(const_cast<const T*>(address), sizeof(T));                                                        \
    return __atomic_compare_exchange_n(address, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
  }                                                                                                          \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile T* address, T* expected, T value, int, int) {     \
    return __tsan_atomic##bits##_compare_exchange_strong(address, expected, value, 0, 0);                    \
  }                                                                                                          \
  ISOBATH_CHANGE(exchange, bits, T, __atomic_exchange_n)                                                     \
  ISOBATH_CHANGE(fetch_add, bits, T, __atomic_fetch_add)                                                     \
  ISOBATH_CHANGE(fetch_sub, bits, T, __atomic_fetch_sub)                                                     \
  ISOBATH_CHANGE(fetch_and, bits, T, __atomic_fetch_and)                                                     \
  ISOBATH_CHANGE(fetch_or, bits, T, __atomic_fetch_or)                                                       \
  ISOBATH_CHANGE(fetch_xor, bits, T, __atomic_fetch_xor)
ISOBATH_ATOMIC(8, std::uint8_t)
ISOBATH_ATOMIC(32, std::uint32_t)
ISOBATH_ATOMIC(64, std::uint64_t)
#undef ISOBATH_ATOMIC
#undef ISOBATH_CHANGE

}  // extern "C"
