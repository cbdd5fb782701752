#pragma once
// Rows of one head, [H * D] apart in memory, brought together as f32 for the tile product.

#include <cstddef>
#include <utility>

#include "ops/attention/cpu/lanes.hpp"
#include "ops/tensor/view.hpp"

namespace isobath::flash {

/// The columns of one head in the rows of one sequence: element (row, d) at data[row * stride + d], d < width.
template <class T>
struct Head {
  T* data;
  std::int64_t stride;
  std::int64_t width;

  T* row(std::int64_t index) const { return data + index * stride; }
};

/// Columns [head * width, (head + 1) * width) of the rows from `first` on.
template <class T>
Head<T> head_of(View<T> rows, std::int64_t first, std::int64_t head, std::int64_t width) {
  return {rows.data ? rows.row(first) + head * width : nullptr, rows.columns(), width};
}

/// Asks for rows [first, first + count) to come near while something else is computed; access 1: they will be written.
template <int access, class T>
void prefetch(Head<T> head, std::int64_t first, std::int64_t count) {
  constexpr std::int64_t kLine = 64 / sizeof(T);
  for (std::int64_t row = first; head.data && row < first + count; ++row)
    for (std::int64_t d = 0; d < head.width; d += kLine) __builtin_prefetch(head.row(row) + d, access, 2);
}

/// to[i * padded(D) + d] = factor * from[first + i, d] for i < count; the padding is zero.
template <class T>
void pack_rows(Head<const T> from, std::int64_t first, std::int64_t count, float factor, float* to) {
  const std::int64_t width = padded(from.width);
  for (std::int64_t i = 0; i < count; ++i) {
    const T* source = from.row(first + i);
    float* target = to + i * width;
#pragma omp simd
    for (std::int64_t d = 0; d < from.width; ++d) target[d] = factor * float(source[d]);
    for (std::int64_t d = from.width; d < width; ++d) target[d] = 0.0F;
  }
}

// The lanes of `a` and `b` in pairs of blocks of `step` lanes: (a0, b0, a2, b2, ...) and (a1, b1, a3, b3, ...).
template <int step, std::size_t... lane>
[[gnu::always_inline]] inline void exchange(Lanes& a, Lanes& b, std::index_sequence<lane...>) {
  constexpr auto low = [](int l) { return (l & step) ? l - step + kLanes : l; };
  constexpr auto high = [](int l) { return (l & step) ? l + kLanes : l + step; };
  const Lanes first = __builtin_shufflevector(a, b, low(static_cast<int>(lane))...);
  b = __builtin_shufflevector(a, b, high(static_cast<int>(lane))...);
  a = first;
}

// One level of the recursive transposition: swaps the off-diagonal blocks of step x step.
template <int step>
[[gnu::always_inline]] inline void exchange_blocks(Lanes (&rows)[kLanes]) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i)
    if ((i & step) == 0) exchange<step>(rows[i], rows[i + step], std::make_index_sequence<kLanes>{});
  if constexpr (step > 1) exchange_blocks<step / 2>(rows);
}

/// Keys side by side: one panel of kPanel keys holds element d of its key i at [d * kPanel + i].
inline constexpr std::int64_t kPanel = 64;
constexpr std::int64_t panel_floats(std::int64_t width) { return kPanel * padded(width); }
constexpr std::int64_t panels_floats(std::int64_t keys, std::int64_t width) {
  return round_up(keys, kPanel) * padded(width);
}

// `available` elements, then zeros.
template <class T>
[[gnu::always_inline]] inline Lanes convert(const T* from, std::int64_t available) {
  float values[kLanes] = {};
  if (available >= kLanes) {
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) values[l] = float(from[l]);
  } else {
    for (int l = 0; l < available; ++l) values[l] = float(from[l]);
  }
  return load(values);
}

/// Panel p of the keys from[first + i], i < count, at to + p * panel_floats(D); zeros behind the last key up to a
/// multiple of kWidth and behind the last element.
template <class T>
void pack_panels(Head<const T> from, std::int64_t first, std::int64_t count, float* to) {
  const std::int64_t width = padded(from.width);
  for (std::int64_t i = 0; i < padded(count); i += kLanes) {
    float* panel = to + i / kPanel * panel_floats(from.width) + i % kPanel;
    for (std::int64_t d = 0; d < width; d += kLanes) {
      Lanes rows[kLanes];
#pragma GCC unroll 16
      for (int l = 0; l < kLanes; ++l)
        rows[l] = i + l < count ? convert(from.row(first + i + l) + d, from.width - d) : Lanes{};
      exchange_blocks<kLanes / 2>(rows);
#pragma GCC unroll 16
      for (int l = 0; l < kLanes; ++l) store(panel + (d + l) * kPanel, rows[l]);
    }
  }
}

}  // namespace isobath::flash
