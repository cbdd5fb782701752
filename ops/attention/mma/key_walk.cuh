#pragma once
// The keys that a tile of queries sees, as bf16 in shared memory.

#include "ops/attention/cuda/query_tile.cuh"
#include "ops/attention/mma/products.cuh"

namespace isobath::flash::mma {

using MmaQueryTile = QueryTile<MmaShape, bfloat16>;

template <int kKeys>
struct WalkedPositions {
  std::int32_t of_tile[kKeys];  // INT32_MAX behind the last
};

/// kKeys keys at a time. kLayoutOfKeys and kLayoutOfValues: as products want them.
template <int kWidth, int kKeys, Layout kLayoutOfKeys, Layout kLayoutOfValues>
struct KeyWalk {
  Members members;
  HeadRows<const bfloat16> from_k, from_v;
  std::int64_t seen;
  SharedTile<kWidth, kKeys, kLayoutOfKeys> keys;  // the tile at hand
  SharedTile<kWidth, kKeys, kLayoutOfValues> values;

  static constexpr int kWords = decltype(keys)::kWords + decltype(values)::kWords;

  __device__ __forceinline__ KeyWalk(const Operands<bfloat16>& in, const MmaQueryTile& tile, BFloat16Pair* memory)
      : members(in.keys, tile.sequence),
        from_k(in.key_head(in.k, members, tile.head / in.group)),
        from_v(in.key_head(in.v, members, tile.head / in.group)),
        seen(members.through(tile.members.position(tile.first + tile.count - 1))),
        keys{memory},
        values{keys.end()} {}

  /// All threads of the block call; they may read what was written into shared memory before, too.
  __device__ __forceinline__ void load(std::int64_t key) const {
    auto& positions = cuda::block_shared<WalkedPositions<kKeys>>();
    __syncthreads();  // the tile before has been read
    keys.load(from_k, key, seen - key);
    values.load(from_v, key, seen - key);
    for (int i = static_cast<int>(threadIdx.x); i < kKeys; i += kThreads)
      positions.of_tile[i] = key + i < seen ? members.position(key + i) : INT32_MAX;
    __syncthreads();
  }

  /// Whether a query at `position` sees walked row `column` of the tile.
  __device__ __forceinline__ static bool sees(std::int32_t position, int column) {
    return cuda::block_shared<WalkedPositions<kKeys>>().of_tile[column] <= position;
  }
};

}  // namespace isobath::flash::mma
