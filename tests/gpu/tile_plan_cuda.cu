#include "ops/attention/cuda/tile_queue.cuh"
#include "ops/core/device_memory.hpp"
#include "tests/gpu/tile_plan_cuda.hpp"

namespace isobath::test {
namespace {

std::vector<ReadTile> planned(flash::Side side, const RowSet& queries, const RowSet& keys) {
  const Device device = Device::cuda(0);
  const flash::Rows rows{kernel::sequence_rows(queries), kernel::sequence_rows(keys)};
  const std::int64_t members = side == flash::Side::Queries ? queries.size() : keys.size();
  const flash::TilePlan plan(current_cuda_queue(device), side, rows, members, 1, kPlannedRows);
  std::int32_t drawn[2];
  cuda_copy(device, drawn, plan.queue().drawn, sizeof(drawn), CopyKind::DeviceToHost);
  require(drawn[0] == 0, "a ticket was drawn before the first block began");
  std::vector<flash::PlannedTile> list(static_cast<std::size_t>(drawn[1]));
  if (!list.empty())
    cuda_copy(device, list.data(), plan.queue().list, list.size() * sizeof(list[0]), CopyKind::DeviceToHost);
  std::vector<ReadTile> out;
  for (const flash::PlannedTile& tile : list) out.push_back({tile.sequence, tile.number});
  return out;
}

}  // namespace

std::vector<ReadTile> query_tiles(const RowSet& queries, const RowSet& keys) {
  return planned(flash::Side::Queries, queries, keys);
}
std::vector<ReadTile> key_tiles(const RowSet& queries, const RowSet& keys) {
  return planned(flash::Side::Keys, queries, keys);
}

}  // namespace isobath::test
