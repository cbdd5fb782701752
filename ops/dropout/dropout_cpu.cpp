#include <algorithm>
#include <cmath>

#include "ops/core/threads.hpp"
#include "ops/dropout/dropout.hpp"

namespace isobath::kernel {
namespace {

constexpr std::int64_t kGroups = 64;          // groups of four draws made at a time
constexpr std::int64_t kDraws = 4 * kGroups;  // 1 KiB of words

struct Place {
  std::array<std::uint32_t, 2> key;
  std::uint64_t sample, position;
};

std::uint32_t high_of(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(a) * b) >> 32);
}

// draw4 of ops/core/random.hpp for kGroups groups side by side: words[4 * g + lane] is draw `lane` of group first + g.
void draw(const Place& place, std::uint64_t first, std::uint32_t* words) {
  constexpr std::uint32_t kMultiplier0 = 0xD2511F53u, kMultiplier1 = 0xCD9E8D57u;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;
  std::uint32_t a[kGroups], b[kGroups], c[kGroups], d[kGroups];
  for (std::int64_t g = 0; g < kGroups; ++g) {
    a[g] = static_cast<std::uint32_t>(first) + static_cast<std::uint32_t>(g);
    b[g] = static_cast<std::uint32_t>(place.position);
    c[g] = static_cast<std::uint32_t>(place.sample);
    d[g] = static_cast<std::uint32_t>(place.sample >> 32);
  }
  std::uint32_t key0 = place.key[0], key1 = place.key[1];
  for (int round = 0; round < 10; ++round, key0 += kWeyl0, key1 += kWeyl1) {
#pragma omp simd
    for (std::int64_t g = 0; g < kGroups; ++g) {
      const std::uint32_t high0 = high_of(kMultiplier0, a[g]), low0 = kMultiplier0 * a[g];
      const std::uint32_t high1 = high_of(kMultiplier1, c[g]), low1 = kMultiplier1 * c[g];
      a[g] = high1 ^ b[g] ^ key0;
      b[g] = low1;
      c[g] = high0 ^ d[g] ^ key1;
      d[g] = low0;
    }
  }
  for (std::int64_t g = 0; g < kGroups; ++g) {
    words[4 * g] = a[g];
    words[4 * g + 1] = b[g];
    words[4 * g + 2] = c[g];
    words[4 * g + 3] = d[g];
  }
}

template <class T>
void apply(const T* x, const std::uint32_t* words, std::uint32_t dropped_below, float scale, Accumulate mode, T* out,
           std::int64_t count) {
  if (mode == Accumulate::Overwrite) {
#pragma omp simd
    for (std::int64_t c = 0; c < count; ++c)
      round_to(out[c], (words[c] >> 8) < dropped_below ? 0.0F : float(x[c]) * scale);
  } else {
#pragma omp simd
    for (std::int64_t c = 0; c < count; ++c)
      round_to(out[c], (words[c] >> 8) < dropped_below ? float(out[c]) : float(out[c]) + float(x[c]) * scale);
  }
}

}  // namespace

template <class T>
void dropout(CpuQueue, View<const T> x, const DropoutDraws& draws, Accumulate mode, View<T> out) {
  // to_uniform(word) < p, that is (word >> 8) * 2^-24 < p, in whole numbers
  const auto dropped_below = static_cast<std::uint32_t>(std::ceil(static_cast<double>(draws.p) * 0x1p24));
  const float scale = 1.0F / (1.0F - draws.p);
  const auto key = split_key(static_cast<std::uint64_t>(draws.key[0]));
  const std::int64_t columns = x.columns(), skip = static_cast<std::int64_t>(draws.channel0 % 4);
  parallel_for(x.dim(0), row_grain(8 * columns), [&](std::int64_t begin, std::int64_t end) {
    std::uint32_t words[kDraws];
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t row = draws.rows.data == nullptr ? i : draws.rows[i];
      const Place place{key, static_cast<std::uint64_t>(draws.samples[row / draws.length]),
                        static_cast<std::uint64_t>(row % draws.length)};
      for (std::int64_t drawn = 0; drawn < columns + skip; drawn += kDraws) {
        draw(place, (draws.channel0 + static_cast<std::uint64_t>(drawn)) / 4, words);
        const std::int64_t c = std::max<std::int64_t>(0, drawn - skip), last = std::min(columns, drawn + kDraws - skip);
        apply(x.row(i) + c, words + (c + skip - drawn), dropped_below, scale, mode, out.row(i) + c, last - c);
      }
    }
  });
}

template void dropout<float>(CpuQueue, View<const float>, const DropoutDraws&, Accumulate, View<float>);
template void dropout<bfloat16>(CpuQueue, View<const bfloat16>, const DropoutDraws&, Accumulate, View<bfloat16>);

}  // namespace isobath::kernel
