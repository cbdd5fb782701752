#pragma once
// A block's queries, and its walk over the keys they see: what forward and the gradient of the queries share.

#include "ops/attention/cuda/operands.cuh"
#include "ops/attention/cuda/tile_queue.cuh"

namespace isobath::flash {

/// The queries that a block owns. Shape says which of them a thread owns.
template <class Shape, class T>
struct QueryTile {
  const Operands<T>& in;
  Members members;
  std::int64_t sequence, head, first;
  std::int64_t count;                      // 0 where the block has no tile
  std::int32_t position[Shape::kOwnRows];  // of the calling thread's rows; -1 behind the last

  __device__ __forceinline__ QueryTile(const Operands<T>& operands, const Tile& tile)
      : in(operands),
        members(operands.queries, tile.sequence),
        sequence(tile.sequence),
        head(tile.head),
        first(static_cast<std::int64_t>(tile.number) * Shape::kRows),
        count(rows_of_tile<Shape::kRows>(tile, members.count)) {
#pragma unroll
    for (int i = 0; i < Shape::kOwnRows; ++i)
      position[i] = Shape::own_row(i) < count ? members.position(first + Shape::own_row(i)) : -1;
  }

  /// The head's columns of a tensor with the shape of q.
  template <class Element>
  __device__ __forceinline__ HeadRows<Element> rows_of(Element* rows) const {
    return in.query_head(rows, members, head);
  }

  /// body(i, row of the sequence) for the calling thread's rows that are there.
  template <class Body>
  __device__ __forceinline__ void for_own_rows(Body&& body) const {
#pragma unroll
    for (int i = 0; i < Shape::kOwnRows; ++i)
      if (Shape::own_row(i) < count) body(i, first + Shape::own_row(i));
  }
};

struct KeyPositions {
  std::int32_t of_tile[kWalked];
};

/// The keys that the last query of a tile sees, 32 at a time.
template <int kWidth, class T>
struct KeyWalk {
  Members members;
  HeadRows<const T> from_k, from_v;
  std::int64_t seen;
  float *keys, *values;  // the tile at hand, in shared memory

  __device__ __forceinline__ KeyWalk(const Operands<T>& in, const QueryTile<TileShape<kWidth>, T>& tile, float* memory)
      : members(in.keys, tile.sequence),
        from_k(in.key_head(in.k, members, tile.head / in.group)),
        from_v(in.key_head(in.v, members, tile.head / in.group)),
        seen(members.through(tile.members.position(tile.first + tile.count - 1))),
        keys(memory),
        values(memory + TileShape<kWidth>::kWalkedFloats) {}

  __device__ __forceinline__ float* end() const { return values + TileShape<kWidth>::kWalkedFloats; }

  /// All threads of the block call; they may read what they wrote themselves into shared memory before, too.
  __device__ __forceinline__ void load(std::int64_t key) const {
    auto& positions = cuda::block_shared<KeyPositions>();
    __syncthreads();  // the tile before has been read
    load_tile<kWidth>(from_k, key, seen - key, kWalked, 1.0F, keys);
    load_tile<kWidth>(from_v, key, seen - key, kWalked, 1.0F, values);
    if (threadIdx.x < kWalked)
      positions.of_tile[threadIdx.x] = key + threadIdx.x < seen ? members.position(key + threadIdx.x) : INT32_MAX;
    __syncthreads();
  }

  /// Whether a query at `position` sees the calling thread's j-th key of the tile.
  __device__ __forceinline__ bool sees(std::int32_t position, int j) const {
    return cuda::block_shared<KeyPositions>().of_tile[thread_x() + j * kSide] <= position;
  }
};

}  // namespace isobath::flash
