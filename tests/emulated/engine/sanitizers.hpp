#pragma once
// What the sanitizers must be told about fibers and about memory that the engine hands out piece by piece. Nothing at
// all in a build without them.

#include <cstddef>

#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__) || defined(ISOBATH_EMULATED_TSAN)
#include <sanitizer/tsan_interface.h>
#define ISOBATH_EMULATED_HAS_TSAN 1
#endif

namespace isobath::emulated {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kHasAsan = true;
#else
inline constexpr bool kHasAsan = false;
#endif

/// A stack as the sanitizers know it.
struct StackNote {
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  void* fake_frames = nullptr;  // ASan's stand-in frames while the stack is not in use
  void* tsan_fiber = nullptr;
};

inline void forbid(const void* begin, std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(begin, bytes);
#else
  static_cast<void>(begin), static_cast<void>(bytes);
#endif
}

inline void permit(const void* begin, std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(begin, bytes);
#else
  static_cast<void>(begin), static_cast<void>(bytes);
#endif
}

/// Whole pages of an anonymous mapping become new memory for TSan: what earlier blocks did there is no race with what
/// later ones do.
inline void renew([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t bytes) {
#if defined(ISOBATH_EMULATED_HAS_TSAN)
  if (bytes != 0) mmap(begin, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
#endif
}

inline void before_switch(StackNote& from, const StackNote& to) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&from.fake_frames, to.bottom, to.bytes);
#endif
#if defined(ISOBATH_EMULATED_HAS_TSAN)
  // Without synchronisation: only barriers and __syncwarp order the threads of a block.
  __tsan_switch_to_fiber(to.tsan_fiber, __tsan_switch_to_fiber_no_sync);
#endif
  static_cast<void>(from), static_cast<void>(to);
}

/// On the stack that was switched to. `other` receives the bounds of the one that was left.
inline void after_switch(const StackNote& self, StackNote& other) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(self.fake_frames, &other.bottom, &other.bytes);
#endif
  static_cast<void>(self), static_cast<void>(other);
}

inline void create_fiber(StackNote& note) {
#if defined(ISOBATH_EMULATED_HAS_TSAN)
  note.tsan_fiber = __tsan_create_fiber(0);
#endif
  note.fake_frames = nullptr;
}

inline void destroy_fiber(StackNote& note) {
#if defined(ISOBATH_EMULATED_HAS_TSAN)
  __tsan_destroy_fiber(note.tsan_fiber);
#endif
  note.tsan_fiber = nullptr;
}

inline void adopt_current_stack(StackNote& note) {
#if defined(ISOBATH_EMULATED_HAS_TSAN)
  note.tsan_fiber = __tsan_get_current_fiber();
#endif
  static_cast<void>(note);
}

/// What ran before `publish(token)` happens before what runs after `observe(token)`.
inline void publish(char* token) {
#if defined(ISOBATH_EMULATED_HAS_TSAN)
  __tsan_release(token);
#endif
  static_cast<void>(token);
}

inline void observe(char* token) {
#if defined(ISOBATH_EMULATED_HAS_TSAN)
  __tsan_acquire(token);
#endif
  static_cast<void>(token);
}

}  // namespace isobath::emulated
