#include <algorithm>

#include "ops/attention/cuda/tile_queue.cuh"
#include "ops/attention/cuda/tiles.cuh"
#include "ops/core/cuda/check.hpp"
#include "ops/core/cuda/scan.cuh"

// Tiles of a routed call, sorted by cost by counting: one block, integers only. Which of two tiles of one cost comes
// first may differ from run to run, and shows nowhere.

namespace isobath::flash {
namespace {

constexpr int kPlanThreads = 256;
constexpr int kCosts = 1024;  // that are told apart
static_assert(kCosts % kPlanThreads == 0);

struct Plan {
  Rows rows;
  kernel::SequenceRows owned;  // one of these
  Side side;
  int tile_rows;
  std::int32_t cost_unit;     // walked tiles that make one step of cost
  PlannedTile* list;          // [tiles]
  std::int32_t* drawn;        // [2], as in TileQueue
  std::int32_t* first_tiles;  // [sequences + 1]: of each sequence
  std::int32_t* costs;        // [tiles], by sequence and number: kCosts - 1 for the cheapest, so that it sorts last
};

// Walked tiles of the tile that begins at owned row `first`.
__device__ __forceinline__ std::int64_t walked_tiles(const Plan& plan, std::int64_t sequence, std::int64_t first) {
  const Members queries(plan.rows.queries, sequence), keys(plan.rows.keys, sequence);
  if (plan.side == Side::Keys) return (queries.count - queries.before(keys.position(first)) + kWalked - 1) / kWalked;
  const std::int64_t end = first + plan.tile_rows < queries.count ? first + plan.tile_rows : queries.count;
  return (keys.through(queries.position(end - 1)) + kWalked - 1) / kWalked;
}

// first_tiles and the length of the list; no ticket is drawn. Ends with a barrier.
__device__ __forceinline__ std::int32_t count_tiles(const Plan& plan) {
  const kernel::SequenceRows& owned = plan.owned;
  std::int32_t before = 0;
  for (std::int64_t begin = 0; begin < owned.batch; begin += kPlanThreads) {
    const std::int64_t s = begin + threadIdx.x;
    const std::int64_t members = s < owned.batch ? Members(owned, s).count : 0;
    const auto tiles = static_cast<std::int32_t>((members + plan.tile_rows - 1) / plan.tile_rows);
    const cuda::Running sum = cuda::running_sum(tiles);
    if (s < owned.batch) plan.first_tiles[s] = before + sum.through - tiles;
    before += sum.total;
  }
  if (threadIdx.x == 0) {
    plan.first_tiles[owned.batch] = before;
    plan.drawn[0] = 0;
    plan.drawn[1] = before;
  }
  __syncthreads();
  return before;
}

// The sequence that tile `index` of the list by sequences belongs to: the last one that begins at it or before.
__device__ __forceinline__ std::int32_t sequence_of(const Plan& plan, std::int32_t index) {
  std::int32_t low = 0, high = static_cast<std::int32_t>(plan.owned.batch) - 1;
  while (low < high) {
    const std::int32_t middle = low + (high - low + 1) / 2;
    if (plan.first_tiles[middle] <= index)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

struct CostCounts {
  std::int32_t of_cost[kCosts];  // then: where tiles of this cost go
};

__global__ void __launch_bounds__(kPlanThreads, 1) plan_tiles(Plan plan) {
  auto& counts = cuda::block_shared<CostCounts>();
  for (int cost = static_cast<int>(threadIdx.x); cost < kCosts; cost += kPlanThreads) counts.of_cost[cost] = 0;
  const std::int32_t tiles = count_tiles(plan);
  for (auto index = static_cast<std::int32_t>(threadIdx.x); index < tiles; index += kPlanThreads) {
    const std::int32_t sequence = sequence_of(plan, index);
    const std::int64_t first = static_cast<std::int64_t>(index - plan.first_tiles[sequence]) * plan.tile_rows;
    const auto steps = static_cast<std::int32_t>(walked_tiles(plan, sequence, first) / plan.cost_unit);
    plan.costs[index] = kCosts - 1 - (steps < kCosts ? steps : kCosts - 1);
    atomicAdd(&counts.of_cost[plan.costs[index]], 1);
  }
  __syncthreads();
  std::int32_t before = 0;
  for (int begin = 0; begin < kCosts; begin += kPlanThreads) {
    std::int32_t& count = counts.of_cost[begin + threadIdx.x];
    const cuda::Running sum = cuda::running_sum(count);
    count = before + sum.through - count;
    before += sum.total;
  }
  __syncthreads();
  for (auto index = static_cast<std::int32_t>(threadIdx.x); index < tiles; index += kPlanThreads) {
    const std::int32_t sequence = sequence_of(plan, index);
    plan.list[atomicAdd(&counts.of_cost[plan.costs[index]], 1)] = {sequence, index - plan.first_tiles[sequence]};
  }
}

Device current_device() {
  int index = 0;
  cuda::check(cudaGetDevice(&index), "cudaGetDevice");
  return Device::cuda(index);
}

std::int64_t tiles_of(std::int64_t rows, std::int64_t tile_rows) { return (rows + tile_rows - 1) / tile_rows; }

}  // namespace

TilePlan::TilePlan(CudaQueue queue, Side side, const Rows& rows, std::int64_t members, std::int64_t heads,
                   int tile_rows) {
  const kernel::SequenceRows& owned = rows.of(side);
  const std::int64_t tiles = tiles_of(owned.length, tile_rows);
  queue_.heads = static_cast<std::int32_t>(heads);
  queue_.sequences = static_cast<std::int32_t>(owned.batch);
  queue_.tiles = static_cast<std::int32_t>(tiles);
  queue_.dearest = side == Side::Queries ? queue_.tiles - 1 : 0;  // which sees most keys, or is seen by most queries
  queue_.step = side == Side::Queries ? -1 : 1;
  most_tiles_ = owned.batch * tiles;
  if (rows.queries.offsets == nullptr && rows.keys.offsets == nullptr) return;
  most_tiles_ = std::min(most_tiles_, members / tile_rows + owned.batch);
  memory_ = Tensor::empty(Shape{3 * most_tiles_ + 2 + owned.batch + 1}, DType::I32, current_device());
  std::int32_t* const drawn = memory_.view<std::int32_t>().data + 2 * most_tiles_;
  auto* const list = reinterpret_cast<PlannedTile*>(memory_.raw());
  queue_.list = list;
  queue_.drawn = drawn;
  const std::int64_t walked = side == Side::Queries ? rows.keys.length : rows.queries.length;
  const auto unit = static_cast<std::int32_t>(tiles_of(walked, kWalked) / kCosts + 1);
  std::int32_t* const first_tiles = drawn + 2;
  const Plan plan{rows, owned, side, tile_rows, unit, list, drawn, first_tiles, first_tiles + owned.batch + 1};
  cuda::launch("attention", &plan_tiles, {.blocks = 1, .threads = kPlanThreads}, queue, plan);
}

cuda::LaunchShape TilePlan::shape(int threads, std::size_t dynamic_bytes) const {
  return {.blocks = static_cast<unsigned>(most_tiles_ * queue_.heads),
          .threads = static_cast<unsigned>(threads),
          .dynamic_bytes = dynamic_bytes};
}

}  // namespace isobath::flash
