#include "trainer/checkpoint/background/stream_copy.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace isobath {

#ifdef __SSE2__

namespace {

constexpr std::size_t kLine = 64;

/// `lines` whole cache lines; `to` begins one.
void stream_lines(std::byte* to, const std::byte* from, std::size_t lines) {
  for (; lines > 0; --lines, to += kLine, from += kLine) {
    const auto* source = reinterpret_cast<const __m128i*>(from);
    auto* target = reinterpret_cast<__m128i*>(to);
    const __m128i a = _mm_loadu_si128(source), b = _mm_loadu_si128(source + 1);
    const __m128i c = _mm_loadu_si128(source + 2), d = _mm_loadu_si128(source + 3);
    _mm_stream_si128(target, a);
    _mm_stream_si128(target + 1, b);
    _mm_stream_si128(target + 2, c);
    _mm_stream_si128(target + 3, d);
  }
  _mm_sfence();  // another thread is going to read it
}

}  // namespace

void stream_copy(std::byte* to, std::span<const std::byte> from) {
  const std::size_t misfit = (kLine - reinterpret_cast<std::uintptr_t>(to) % kLine) % kLine;
  const std::size_t head = std::min(misfit, from.size());
  std::copy_n(from.begin(), head, to);
  const std::size_t lines = (from.size() - head) / kLine, tail = head + lines * kLine;
  stream_lines(to + head, from.data() + head, lines);
  std::copy(from.begin() + static_cast<std::ptrdiff_t>(tail), from.end(), to + tail);
}

#else

void stream_copy(std::byte* to, std::span<const std::byte> from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

#endif

}  // namespace isobath
