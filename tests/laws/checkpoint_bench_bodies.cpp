// The checkpoint benchmark: its arithmetic, and that every figure is measured on any number of ranks. Not the times.

#include "laws/small_run.hpp"
#include "parallel/exchange.hpp"
#include "support/ranked/bodies.hpp"
#include "support/temp_folder.hpp"
#include "trainer/bench/checkpoint_bench.hpp"

namespace isobath::test {
namespace {

CheckpointBenchOptions tiny(const std::filesystem::path& directory) {
  CheckpointBenchOptions options;
  options.model = small_config(DepthPolicy::Dense).model;
  options.batch = 8;
  options.rounds = 2;
  options.directory = directory;
  return options;
}

}  // namespace

RANKED_TEST(CheckpointBench, compares_medians_and_knows_which_side_is_better) {
  const Alternation rounds{{3.0, 1.0, 2.0}, {9.0, 4.0, 1.0}};
  CheckpointBenchRow most;
  most.limit = 0.5;
  EXPECT_EQ(summarize(most, rounds).ratio, 0.5);
  EXPECT_TRUE(summarize(most, rounds).is_met());
  most.limit = 0.4;
  EXPECT_FALSE(summarize(most, rounds).is_met());
  CheckpointBenchRow least;
  least.goal = Goal::AtLeast;
  least.limit = 2.0;
  EXPECT_EQ(summarize(least, rounds).seconds, 2.0);
  EXPECT_EQ(summarize(least, rounds).reference_seconds, 4.0);
  EXPECT_EQ(summarize(least, rounds).ratio, 2.0) << "of rates";
  EXPECT_TRUE(summarize(least, rounds).is_met());
}

RANKED_TEST(CheckpointBench, measures_every_figure_and_leaves_nothing) {
  const TempFolder folder;  // rank 0's counts
  const std::filesystem::path directory = broadcast_text(ranks, folder.path().string());
  for (const std::int64_t zero : {0, 1}) {
    CheckpointBenchOptions options = tiny(directory);
    options.parallel.zero = zero;
    const auto rows = bench_checkpoints(options, ranks);
    ASSERT_EQ(rows.size(), 4u);
    for (const CheckpointBenchRow& row : rows) {
      EXPECT_GT(row.seconds, 0.0) << row.figure;
      EXPECT_GT(row.reference_seconds, 0.0) << row.figure;
      EXPECT_GT(row.amount, 0) << row.figure;
    }
    EXPECT_EQ(rows[0].amount, rows[2].amount) << "a save copies what it writes";
    // Without ZeRO every rank loads all that the others write too.
    if (zero == 0) {
      EXPECT_GT(rows[3].amount, (ranks.size() - 1) * rows[0].amount);
    }
    EXPECT_EQ(rows[1].amount % (options.batch * options.model.context), 0);
    ranks.barrier();  // rank 0 removes its folder last
    EXPECT_TRUE(std::filesystem::is_empty(directory));
    ranks.barrier();
  }
}

RANKED_TEST(CheckpointBench, says_where_it_cannot_write) {
  EXPECT_THROW(bench_checkpoints(tiny("/proc/nowhere"), ranks), Error);
}

}  // namespace isobath::test
