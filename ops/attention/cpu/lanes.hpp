#pragma once
// One machine vector of f32 for the attention kernels, as wide as the target of this build has, through the compiler's
// vector extension: the operators work lane by lane on any target.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace isobath::flash {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
#elif defined(__AVX__)
inline constexpr int kLanes = 8;
#else
inline constexpr int kLanes = 4;
#endif

using Lanes [[gnu::vector_size(kLanes * sizeof(float))]] = float;
using IntLanes [[gnu::vector_size(kLanes * sizeof(float))]] = std::int32_t;
using BitLanes [[gnu::vector_size(kLanes * sizeof(float))]] = std::uint32_t;

[[gnu::always_inline]] inline Lanes load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}
[[gnu::always_inline]] inline void store(float* to, Lanes lanes) { std::memcpy(to, &lanes, sizeof lanes); }
[[gnu::always_inline]] inline Lanes all(float value) { return Lanes{} + value; }

/// All ones in the lanes below `count`, zero in the others: the condition of a lane-wise choice.
[[gnu::always_inline]] inline IntLanes lanes_below(std::int64_t count) {
  const auto numbers = []<std::size_t... lane>(std::index_sequence<lane...>) {
    return IntLanes{static_cast<std::int32_t>(lane)...};
  };
  return numbers(std::make_index_sequence<kLanes>{}) < static_cast<std::int32_t>(count);
}

/// combine(combine(...), ...) over all lanes, upper halves onto lower ones: a fixed order.
template <int half = kLanes / 2, class Combine>
[[gnu::always_inline]] inline float fold(Lanes lanes, Combine combine) {
  const auto upper = []<std::size_t... lane>(Lanes from, std::index_sequence<lane...>) {
    return __builtin_shufflevector(from, from, ((static_cast<int>(lane) + half) % kLanes)...);
  };
  const Lanes folded = combine(lanes, upper(lanes, std::make_index_sequence<kLanes>{}));
  if constexpr (half == 1)
    return folded[0];
  else
    return fold<half / 2>(folded, combine);
}
[[gnu::always_inline]] inline Lanes larger(Lanes a, Lanes b) { return a < b ? b : a; }
[[gnu::always_inline]] inline float sum_of(Lanes lanes) {
  return fold(lanes, [](Lanes a, Lanes b) { return a + b; });
}
[[gnu::always_inline]] inline float largest_of(Lanes lanes) { return fold(lanes, larger); }

/// 2^x to 1.5 ulp for x <= 127; below -126 the smallest normal number, so that nobody pays for denormal ones. NaN stays
/// NaN. The polynomial for 2^r on |r| <= 1/2 is a minimax fit of our own (relative error 2.6e-9).
[[gnu::always_inline]] inline Lanes exp2(Lanes x) {
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it leaves the nearest integer in the lowest bits
  const Lanes clamped = x < -126.0F ? all(-126.0F) : x;
  const Lanes shifted = clamped + kRound;
  const Lanes r = clamped - (shifted - kRound);
  Lanes p = r * 0.000155946770F + 0.00134066438F;
  p = p * r + 0.00961769298F;
  p = p * r + 0.0555031055F;
  p = p * r + 0.240226528F;
  p = p * r + 0.693147215F;
  p = p * r + 1.0F;
  return std::bit_cast<Lanes>(std::bit_cast<BitLanes>(p) + (std::bit_cast<BitLanes>(shifted) << 23));
}

constexpr std::int64_t round_up(std::int64_t count, std::int64_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}
/// Rows of every packed operand and tile are padded to whole vectors of the widest target, so that layouts do not
/// depend on the target.
inline constexpr std::int64_t kWidth = 16;
constexpr std::int64_t padded(std::int64_t columns) { return round_up(columns, kWidth); }

}  // namespace isobath::flash
