// Skewed routes: every tile of attention is planned once, dearest first, and blocks that draw them in that order share
// the work as list scheduling promises.

#include "tests/gpu/tile_plan_cuda.hpp"

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <queue>

#include "attention/problem.hpp"
#include "gpu/devices.hpp"

namespace isobath {
namespace {

using test::kPlannedRows;
using test::Place;
using test::ReadTile;

constexpr std::int64_t kBatch = 12, kLength = 700, kWalked = 32, kHeads = 16;

struct Route {
  const char* name;
  std::function<bool(std::int64_t sequence, std::int64_t position)> takes;
};
const Route kRoutes[] = {
    {"one row in eight", [](auto, auto t) { return t % 8 == 0; }},
    {"one sequence has all", [](auto s, auto) { return s == 5; }},
    {"half as many in each further sequence", [](auto s, auto t) { return t % (std::int64_t{1} << s) == 0; }},
    {"early rows only", [](auto s, auto t) { return t < 60 * s; }},
    {"late rows only", [](auto s, auto t) { return t > 690 - 50 * s; }},
    {"every other sequence", [](auto s, auto) { return s % 2 == 0; }},
    {"one row a sequence, and one full sequence", [](auto s, auto t) { return t == 300 || s == 11; }},
    {"early in some, late in others", [](auto s, auto t) { return s % 3 == 0 ? t < 200 : t >= 650; }},
};

RowSet rows_of(const Route& route, Device device) {
  std::vector<std::int32_t> rows;
  for (std::int64_t row = 0; row < kBatch * kLength; ++row)
    if (route.takes(row / kLength, row % kLength)) rows.push_back(static_cast<std::int32_t>(row));
  return RowSet::from_rows(rows, kBatch, kLength, device);
}

using Costs = std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t>;

// Tiles of `owned` by sequence and number; `meets` says whether an owned row and a walked one do.
template <class Meets>
Costs costs_of(const RowSet& owned, const RowSet& walked, Meets&& meets) {
  std::map<std::int64_t, std::vector<std::int64_t>> owned_at, walked_at;
  for (const Place& place : test::places(owned)) owned_at[place.sequence].push_back(place.position);
  for (const Place& place : test::places(walked)) walked_at[place.sequence].push_back(place.position);
  Costs costs;
  for (const auto& [sequence, positions] : owned_at)
    for (std::size_t first = 0; first < positions.size(); first += kPlannedRows) {
      const std::size_t end = std::min(first + kPlannedRows, positions.size());
      const auto& others = walked_at[sequence];
      const auto met = std::count_if(others.begin(), others.end(), [&](std::int64_t other) {
        return std::any_of(positions.begin() + static_cast<std::ptrdiff_t>(first),
                           positions.begin() + static_cast<std::ptrdiff_t>(end),
                           [&](std::int64_t own) { return meets(own, other); });
      });
      costs[{static_cast<std::int32_t>(sequence), static_cast<std::int32_t>(first / kPlannedRows)}] =
          (met + kWalked - 1) / kWalked;
    }
  return costs;
}

struct Share {
  double largest_work, bound;  // over the mean
};

// Blocks that take the next tile as soon as they are free.
Share schedule(const std::vector<std::int64_t>& costs, int blocks) {
  std::priority_queue<std::int64_t, std::vector<std::int64_t>, std::greater<>> work;
  for (int block = 0; block < blocks; ++block) work.push(0);
  std::int64_t total = 0, largest = 0, most = 0;
  for (const std::int64_t cost : costs) {
    const std::int64_t now = work.top() + cost;
    work.pop();
    work.push(now);
    total += cost;
    largest = std::max(largest, cost);
    most = std::max(most, now);
  }
  if (total == 0) return {0.0, 1.0};
  const double mean = static_cast<double>(total) / blocks;
  return {static_cast<double>(most) / mean, 1.0 + static_cast<double>(largest) / mean};
}

void expect_plan(const std::vector<ReadTile>& plan, const Costs& costs, const std::string& what) {
  SCOPED_TRACE(what);
  std::vector<std::int64_t> in_order;
  Costs left = costs;
  for (const ReadTile& tile : plan) {
    const auto found = left.find({tile.sequence, tile.number});
    ASSERT_NE(found, left.end()) << "sequence " << tile.sequence << ", tile " << tile.number;
    in_order.insert(in_order.end(), kHeads, found->second);
    left.erase(found);
  }
  EXPECT_TRUE(left.empty()) << left.size() << " tiles are not planned";
  EXPECT_TRUE(std::is_sorted(in_order.rbegin(), in_order.rend()));
  for (const int blocks : {8, 132}) {
    const Share share = schedule(in_order, blocks);
    EXPECT_LE(share.largest_work, share.bound);
    std::cout << what << ", " << blocks << " blocks: work per block at most " << share.largest_work
              << " of the mean, bound " << share.bound << '\n';
  }
}

TEST(TilePlan, SharesOutSkewedRoutes) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU: " << cuda_status();
  const RowSet all = RowSet::all(kBatch, kLength);
  for (const Route& route : kRoutes) {
    const RowSet routed = rows_of(route, Device::cuda(0));
    const auto sees = [](std::int64_t query, std::int64_t key) { return key <= query; };
    const auto is_seen = [](std::int64_t key, std::int64_t query) { return key <= query; };
    expect_plan(test::query_tiles(routed, routed), costs_of(routed, routed, sees), text(route.name, ", queries"));
    expect_plan(test::query_tiles(routed, all), costs_of(routed, all, sees), text(route.name, ", queries over all"));
    expect_plan(test::key_tiles(routed, routed), costs_of(routed, routed, is_seen), text(route.name, ", keys"));
  }
}

// Few queries over all of `kSequences` long sequences, whose costs are told apart in steps of `unit` walked tiles.
void expect_long_plan(std::int64_t length, std::int64_t unit) {
  constexpr std::int64_t kSequences = 8;
  std::vector<std::int32_t> rows;
  for (std::int64_t row = 0; row < kSequences * length; ++row)
    if (row % length % 500 == 499 || row % length > length - 70) rows.push_back(static_cast<std::int32_t>(row));
  const RowSet routed = RowSet::from_rows(rows, kSequences, length, Device::cuda(0));
  const RowSet all = RowSet::all(kSequences, length);
  const auto sees = [](std::int64_t query, std::int64_t key) { return key <= query; };
  Costs costs = costs_of(routed, all, sees);
  for (auto& [tile, cost] : costs) cost /= unit;
  expect_plan(test::query_tiles(routed, all), costs, text("queries over ", length, " rows"));
}

// The longest sequences whose tiles differ in cost by single steps: the greatest cost that a plan tells apart is in
// use, by several tiles at once. In longer ones neighbouring costs are one.
TEST(TilePlan, TellsTheCostsOfLongSequencesApart) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU: " << cuda_status();
  expect_long_plan(1023 * kWalked, 1);
  expect_long_plan(2048 * kWalked, 3);
}

}  // namespace
}  // namespace isobath
