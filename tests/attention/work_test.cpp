// The parts of the kernels that can be stated alone: visibility, the cut into tasks, 2^x, the tile product.

#include "ops/attention/cpu/work.hpp"

#include <cmath>
#include <map>

#include "attention/problem.hpp"
#include "ops/attention/cpu/tile_product.hpp"

namespace isobath::test {
namespace {

using flash::Owns;
using flash::Task;

TEST(Visibility, CountsKeysUpToTheQuerysPosition) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Problem problem = random_problem(seed);
    const auto queries = kernel::sequence_rows(problem.queries), keys = kernel::sequence_rows(problem.keys);
    const std::vector<Place> query_places = places(problem.queries), key_places = places(problem.keys);
    std::int64_t pairs = 0;
    for (std::int64_t s = 0; s < queries.batch; ++s)
      for (std::int64_t i = 0; i < queries.count(s); ++i) {
        std::int32_t seen = -1;
        kernel::visible_keys(queries, keys, s, i, i + 1, &seen);
        const Place query = query_places[static_cast<std::size_t>(queries.begin(s) + i)];
        const auto visible = std::count_if(key_places.begin(), key_places.end(), [&](const Place& key) {
          return key.sequence == s && key.position <= query.position;
        });
        EXPECT_EQ(seen, visible);
        pairs += visible;
      }
    EXPECT_EQ(visible_pairs(problem.queries, problem.keys), pairs);
  }
}

enum class Side { Queries, Keys };

// How often each (sequence, query head, row) of one side is written; a key head counts for every query head of its
// group.
std::map<std::array<std::int64_t, 3>, int> owners(const std::vector<Task>& tasks, Side side) {
  std::map<std::array<std::int64_t, 3>, int> count;
  for (const Task& task : tasks) {
    if (task.owns == (side == Side::Queries ? Owns::Keys : Owns::Queries)) continue;
    const flash::Range rows = side == Side::Queries ? task.queries : task.keys;
    for (std::int64_t head = task.head; head < task.head + task.heads; ++head)
      for (std::int64_t row = rows.begin; row < rows.end; ++row) ++count[{task.sequence, head, row}];
  }
  return count;
}

void expect_each_once(const std::vector<Task>& tasks, Side side, std::int64_t rows) {
  const auto count = owners(tasks, side);
  EXPECT_EQ(static_cast<std::int64_t>(count.size()), rows);
  for (const auto& [row, times] : count) EXPECT_EQ(times, 1);
}

TEST(Work, EveryRowHasOneOwner) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed)
    for (const int threads : {1, 2, 7, 64}) {
      const Problem problem = random_problem(seed, 1 + static_cast<int>(seed % 3));
      const auto queries = kernel::sequence_rows(problem.queries), keys = kernel::sequence_rows(problem.keys);
      const flash::Workload load{queries, keys, problem.heads, threads, problem.group};
      expect_each_once(flash::plan_forward(load), Side::Queries, problem.queries.size() * problem.heads);
      expect_each_once(flash::plan_backward(load), Side::Queries, problem.queries.size() * problem.heads);
      expect_each_once(flash::plan_backward(load), Side::Keys, problem.keys.size() * problem.heads);
    }
}

std::int64_t largest_cost(const std::vector<Task>& tasks) { return tasks.empty() ? 0 : tasks.front().cost; }
std::int64_t total_cost(const std::vector<Task>& tasks) {
  std::int64_t total = 0;
  for (const Task& task : tasks) total += task.cost;
  return total;
}

TEST(Work, DearestFirst) {
  const auto rows = kernel::SequenceRows{nullptr, nullptr, 3, 500};
  for (const auto& plan : {flash::plan_forward({rows, rows, 2, 4}), flash::plan_backward({rows, rows, 1, 8})})
    EXPECT_TRUE(std::is_sorted(plan.begin(), plan.end(), [](const Task& a, const Task& b) { return a.cost > b.cost; }));
}

// One head and many threads: no task may hold up the others. One row more than the ideal piece is 2 % here.
TEST(Work, OneLongHeadIsCutIntoEqualTasks) {
  constexpr int kThreads = 8;
  const auto rows = kernel::SequenceRows{nullptr, nullptr, 1, 2048};
  for (const auto& plan :
       {flash::plan_forward({rows, rows, 1, kThreads}), flash::plan_backward({rows, rows, 1, kThreads})})
    EXPECT_LE(largest_cost(plan), 1.1 * static_cast<double>(total_cost(plan)) / (8 * kThreads));
}

TEST(Work, AGroupOfHeadsIsOneTaskWhereItOwnsKeys) {
  const auto rows = kernel::SequenceRows{nullptr, nullptr, 12, 256};
  const auto plan = flash::plan_backward({rows, rows, 6, 2, 3});
  EXPECT_EQ(plan.size(), 24U);
  EXPECT_EQ(plan.front().heads, 3);
  EXPECT_EQ(flash::plan_forward({rows, rows, 6, 2, 3}).size(), 72U);
}

TEST(Work, ManyHeadsStayWhole) {
  const auto rows = kernel::SequenceRows{nullptr, nullptr, 12, 256};
  EXPECT_EQ(flash::plan_forward({rows, rows, 6, 2}).size(), 72U);
  EXPECT_EQ(flash::plan_backward({rows, rows, 6, 2}).size(), 72U);
  EXPECT_EQ(flash::plan_backward({rows, rows, 6, 2}).front().owns, Owns::Both);
}

TEST(Lanes, PowerOfTwoIsWithinOneAndAHalfUlp) {
  for (float x = -126.0F; x < 126.9F; x += 0.00037F) {
    const double exact = std::exp2(static_cast<double>(x));
    const double ulp = std::exp2(std::floor(static_cast<double>(x)) - 23.0);
    ASSERT_LE(std::abs(flash::exp2(flash::all(x))[0] - exact), 1.5 * ulp) << x;
  }
  EXPECT_EQ(flash::exp2(flash::all(-1e30F))[flash::kLanes - 1], 0x1p-126F);
  EXPECT_EQ(flash::exp2(flash::all(-std::numeric_limits<float>::infinity()))[0], 0x1p-126F);
  EXPECT_TRUE(std::isnan(flash::exp2(flash::all(std::numeric_limits<float>::quiet_NaN()))[0]));
}

TEST(Lanes, FoldsEveryLaneOnce) {
  flash::Lanes lanes{};
  for (int l = 0; l < flash::kLanes; ++l) lanes[l] = static_cast<float>(1 << l);
  EXPECT_EQ(flash::sum_of(lanes), static_cast<float>((1 << flash::kLanes) - 1));
  for (int l = 0; l < flash::kLanes; ++l) {
    flash::Lanes peak{};
    peak[l] = 2.0F;
    EXPECT_EQ(flash::largest_of(peak), 2.0F);
  }
}

// A product of integers is exact, whatever the order.
TEST(TileProduct, EveryExtent) {
  using namespace flash;
  constexpr std::int64_t kDepth = 5, kLda = 40;
  std::vector<float> a(kLda * kLda), b(kDepth * 80), c(40 * 80);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i * 7 % 11) - 5.0F;
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i * 5 % 13) - 6.0F;
  for (std::int64_t rows = 1; rows <= 31; ++rows)
    for (std::int64_t columns = 1; columns <= 80; columns += 13) {
      const auto expect = [&](auto at, float start) {
        for (std::int64_t i = 0; i < rows; ++i)
          for (std::int64_t j = 0; j < columns; ++j) {
            float want = start;
            for (std::int64_t k = 0; k < kDepth; ++k) want += at(i, k) * b[static_cast<std::size_t>(k * 80 + j)];
            ASSERT_EQ(c[static_cast<std::size_t>(i * 80 + j)], want) << rows << " x " << columns;
          }
      };
      const RowMajor plain{a.data(), kLda};
      const Transposed transposed{a.data(), kLda};
      std::fill(c.begin(), c.end(), 3.0F);
      multiply<Start::Load>({rows, columns, kDepth}, plain, b.data(), 80, c.data(), 80);
      expect(plain, 3.0F);
      multiply<Start::Zero>({rows, columns, kDepth}, plain, b.data(), 80, c.data(), 80);
      expect(plain, 0.0F);
      std::fill(c.begin(), c.end(), -2.0F);
      multiply<Start::Load>({rows, columns, kDepth}, transposed, b.data(), 80, c.data(), 80);
      expect(transposed, -2.0F);
    }
}

}  // namespace
}  // namespace isobath::test
