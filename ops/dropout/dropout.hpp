#pragma once
#include "ops/autograd/grad_slot.hpp"
#include "ops/core/queue.hpp"
#include "ops/core/random.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// Where the draws of a batch come from: global sample of every sequence and the step, never the rank or the packing.
/// The key is data on the device, so that work which is recorded once and repeated draws anew in every step.
struct DropoutKey {
  Tensor key;                  ///< i64 [1]: RandomKey::word() of purpose Dropout, step and layer
  std::uint64_t channel0 = 0;  ///< first channel: two dropouts of one layer draw from different channels
  Tensor samples;              ///< i64 [B]: global sample index of each sequence
};

/// Keys of one step on a device, i64 [layers]: of layers 0, 1, ...
Tensor dropout_keys(std::uint64_t seed, std::int64_t step, std::int64_t layers, Device device);

/// x / (1 - p) where the draw keeps it, else 0. x: [K, C] holds the rows of `rows`; element (i, c) draws from (sample,
/// original position, channel0 + c), so a packed row and a dense one make the same decision. The mask is redrawn
/// backward, not stored. p in [0, 1); p = 0 returns x.
Tensor dropout(const Tensor& x, const RowSet& rows, float p, const DropoutKey& key);

namespace kernel {
/// What the decision about element (i, c) is drawn from.
struct DropoutDraws {
  View<const std::int64_t> key;
  std::uint64_t channel0;
  View<const std::int64_t> samples;
  View<const std::int32_t> rows;  ///< null data: row i is row i of the batch
  std::int64_t length;            ///< rows of a sequence
  float p;
};

/// out is (Overwrite) or grows by (Add) x with the mask applied. Forward and backward are this same map.
template <class T>
void dropout(CpuQueue queue, View<const T> x, const DropoutDraws& draws, Accumulate mode, View<T> out);
template <class T>
void dropout(CudaQueue queue, View<const T> x, const DropoutDraws& draws, Accumulate mode, View<T> out);
}  // namespace kernel

}  // namespace isobath
