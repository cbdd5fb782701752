#include <cmath>

#include "ops/core/cuda/rows.cuh"
#include "ops/dropout/dropout.hpp"
#include "ops/tensor/matrix.cuh"

namespace isobath::kernel {
namespace {

using cuda::Matrix;

// Blocks that a multiprocessor holds at a time: all that it can, to keep memory busy.
constexpr int kBlocksTogether = 2048 / cuda::kRowThreads;

/// DropoutDraws as kernels take it.
struct Draws {
  const std::int64_t* key;
  std::uint64_t first_group;  // of four draws
  unsigned skip;              // draws of the first group that belong to channels before channel 0
  const std::int64_t* samples;
  const std::int32_t* rows;  // null: row i is row i of the batch
  std::int64_t length;
  std::uint32_t dropped_below;
  float scale;
};

/// Draws for the channels from 4 * group - skip on, of one row.
struct RowDraws {
  const Draws& all;
  std::array<std::uint32_t, 2> key;
  std::uint64_t sample, position;

  __device__ __forceinline__ RowDraws(const Draws& draws, std::int64_t i) : all(draws) {
    key = split_key(static_cast<std::uint64_t>(*draws.key));
    const std::int64_t row = draws.rows != nullptr ? draws.rows[i] : i;
    sample = static_cast<std::uint64_t>(draws.samples[row / draws.length]);
    position = static_cast<std::uint64_t>(row % draws.length);
  }
  __device__ __forceinline__ std::array<std::uint32_t, 4> group(std::int64_t index) const {
    return draw4(key, sample, position, all.first_group + static_cast<std::uint64_t>(index));
  }
  /// What is written, or added: minus zero changes no bit of what is there.
  __device__ __forceinline__ float applied(float value, std::uint32_t word, Accumulate mode) const {
    const float nothing = mode == Accumulate::Add ? -0.0F : 0.0F;
    return (word >> 8) < all.dropped_below ? nothing : value * all.scale;
  }
};

// Channels begin where a group of draws does: a pack takes whole groups.
template <int kLength, class T>
__global__ void __launch_bounds__(cuda::kRowThreads, kBlocksTogether)
    drop_packs(Matrix<const T> x, Draws draws, Accumulate mode, Matrix<T> out) {
  const std::int64_t i = cuda::row_of_warp();
  if (i >= x.rows) return;
  const RowDraws of_row(draws, i);
  cuda::for_packs_of_lane<kLength>(x.columns, [&](std::int64_t c) {
    auto pack = cuda::load<kLength>(x.row(i) + c);
#pragma unroll
    for (int group = 0; group < kLength / 4; ++group) {
      const auto words = of_row.group(c / 4 + group);
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        float& value = pack.values[4 * group + e];
        value = of_row.applied(value, words[e], mode);
      }
    }
    cuda::put(out.row(i) + c, mode, pack);
  });
}

// Anywhere: a lane takes the channels of one group, of which some may lie outside the row.
template <class T>
__global__ void __launch_bounds__(cuda::kRowThreads)
    drop_elements(Matrix<const T> x, Draws draws, Accumulate mode, Matrix<T> out) {
  const std::int64_t i = cuda::row_of_warp();
  if (i >= x.rows) return;
  const RowDraws of_row(draws, i);
  cuda::for_packs_of_lane<4>(x.columns + draws.skip, [&](std::int64_t drawn) {
    const auto words = of_row.group(drawn / 4);
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const std::int64_t c = drawn + e - draws.skip;
      if (c < 0 || c >= x.columns) continue;
      auto value = cuda::load<1>(x.row(i) + c);
      value.values[0] = of_row.applied(value.values[0], words[e], mode);
      cuda::put(out.row(i) + c, mode, value);
    }
  });
}

}  // namespace

template <class T>
void dropout(CudaQueue queue, View<const T> x, const DropoutDraws& draws, Accumulate mode, View<T> out) {
  if (x.count() == 0) return;
  const Matrix<const T> from(x);
  const Matrix<T> to(out);
  const Draws on_device{draws.key.data, draws.channel0 / 4, static_cast<unsigned>(draws.channel0 % 4),
                        draws.samples.data, draws.rows.data, draws.length,
                        // to_uniform(word) < p, that is (word >> 8) * 2^-24 < p, in whole numbers
                        static_cast<std::uint32_t>(std::ceil(static_cast<double>(draws.p) * 0x1p24)),
                        1.0F / (1.0F - draws.p)};
  const auto shape = cuda::a_warp_per_row(from.rows);
  if (on_device.skip == 0 && from.allows_vectors() && to.allows_vectors())
    cuda::launch("dropout", &drop_packs<cuda::kVectorLength<T>, T>, shape, queue, from, on_device, mode, to);
  else
    cuda::launch("dropout", &drop_elements<T>, shape, queue, from, on_device, mode, to);
}

template void dropout<float>(CudaQueue, View<const float>, const DropoutDraws&, Accumulate, View<float>);
template void dropout<bfloat16>(CudaQueue, View<const bfloat16>, const DropoutDraws&, Accumulate, View<bfloat16>);

}  // namespace isobath::kernel
