#pragma once
// Which block computes which tile. Blocks draw tickets as they begin, and ticket n is the n-th dearest tile: list
// scheduling, longest first, whatever the order in which the device starts blocks. Nobody's work then exceeds the mean
// by more than the largest tile: work <= total / blocks * (1 + blocks * largest / total) (Graham 1969, "Bounds on
// multiprocessing timing anomalies"). Who computes a tile changes no bit of it.

#include <cstdint>

#include "ops/attention/cuda/members.cuh"
#include "ops/core/cuda/launch.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath::flash {

struct PlannedTile {
  std::int32_t sequence;
  std::int32_t number;  // within the sequence
};

/// Tiles of owned rows by head. Without a list every sequence has `tiles` of them, numbered by cost.
struct TileQueue {
  const PlannedTile* list;  // dearest first; null for row sets that are the identity
  std::int32_t* drawn;      // tickets drawn so far, then the length of the list
  std::int32_t heads, sequences, tiles;
  std::int32_t dearest, step;  // the dearest tile without a list, and what follows it: the last and -1, or 0 and 1
};

/// One tile of one head; `number` is -1 when there is none left.
struct Tile {
  std::int32_t sequence, head, number;
};

struct Ticket {
  std::int32_t drawn;
};

/// All threads of the block call, once, and get the same.
__device__ __forceinline__ Tile take_tile(const TileQueue& queue) {
  if (queue.list == nullptr) {
    const auto job = static_cast<std::int32_t>(blockIdx.x);
    const std::int32_t rest = job % (queue.heads * queue.sequences);
    return {rest / queue.heads, rest % queue.heads,
            queue.dearest + queue.step * (job / (queue.heads * queue.sequences))};
  }
  auto& ticket = cuda::block_shared<Ticket>();
  if (threadIdx.x == 0) ticket.drawn = atomicAdd(&queue.drawn[0], 1);
  __syncthreads();
  if (ticket.drawn >= queue.drawn[1] * queue.heads) return {0, 0, -1};
  const PlannedTile planned = queue.list[ticket.drawn / queue.heads];
  return {planned.sequence, ticket.drawn % queue.heads, planned.number};
}

/// How many of a sequence's `members` belong to a tile.
template <int kRows>
__device__ __forceinline__ std::int64_t rows_of_tile(const Tile& tile, std::int64_t members) {
  const std::int64_t left = members - static_cast<std::int64_t>(tile.number) * kRows;
  return tile.number < 0 || left < 0 ? 0 : left < kRows ? left : kRows;
}

/// Whose rows the tiles own; those of the other side are walked over.
enum class Side { Queries, Keys };

struct Rows {
  kernel::SequenceRows queries, keys;

  constexpr const kernel::SequenceRows& of(Side side) const { return side == Side::Queries ? queries : keys; }
};

/// The tiles of a call on its way to the device. What the host does not know, how many members a sequence has, is
/// found out there: one small kernel, no wait.
class TilePlan {
 public:
  /// Tiles of `tile_rows` rows, for each of `heads`, of one side's rows, of which there are `members`.
  TilePlan(CudaQueue queue, Side side, const Rows& rows, std::int64_t members, std::int64_t heads, int tile_rows);

  const TileQueue& queue() const { return queue_; }
  /// Blocks of `threads` for all tiles that there may be; those without one return at once.
  cuda::LaunchShape shape(int threads, std::size_t dynamic_bytes) const;

 private:
  Tensor memory_;  // i32: the list, what was drawn, and the scratch of planning
  TileQueue queue_{};
  std::int64_t most_tiles_ = 0;  // of a head
};

}  // namespace isobath::flash
