// Validation scores each target once, whatever the ranks and the batches.

#include "data/batches/validation_windows.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "data/data_support.hpp"

namespace isobath {
namespace {

using test::refuses;

TokenSplit split_of(std::vector<Segment> segments) {
  static const auto stream = test::counting_stream(2000);  // token = position
  return {stream, std::move(segments)};
}

// How often each position is a target, over all windows, read as `ranks` ranks in batches of `size` would.
std::map<std::int32_t, int> scored(const ValidationWindows& windows, std::int64_t ranks, std::int64_t size) {
  std::map<std::int32_t, int> times;
  for (std::int64_t rank = 0; rank < ranks; ++rank) {
    const IndexRange mine = share_of(windows.count(), {rank, ranks});
    for (std::int64_t begin = mine.begin; begin < mine.end; begin += size) {
      const Batch batch = windows.batch({begin, std::min(mine.end, begin + size)});
      const auto inputs = batch.inputs.to_vector<std::int32_t>(), targets = batch.targets.to_vector<std::int32_t>();
      std::int64_t valid = 0;
      for (std::size_t i = 0; i < targets.size(); ++i) {
        if (targets[i] == kNoTarget) {
          EXPECT_EQ(inputs[i], 0);
          continue;
        }
        EXPECT_EQ(targets[i], inputs[i] + 1);
        ++times[targets[i]];
        ++valid;
      }
      EXPECT_EQ(valid, batch.valid());
    }
  }
  return times;
}

RC_GTEST_PROP(ValidationWindows, ScoreEachTargetOnce, ()) {
  std::vector<Segment> segments;
  std::map<std::int32_t, int> expected;
  std::int64_t at = 0;
  for (const auto& [gap, size] : *rc::gen::container<std::vector<std::pair<int, int>>>(
           8, rc::gen::pair(rc::gen::inRange(0, 20), rc::gen::inRange(1, 100)))) {
    segments.push_back({at + gap, at + gap + size});
    at = segments.back().end;
    // The first token of a segment has no input before it that belongs to the split.
    for (std::int64_t target = segments.back().begin + 1; target < at; ++target)
      expected[static_cast<std::int32_t>(target)] = 1;
  }
  RC_PRE(!expected.empty());
  const ValidationWindows windows(split_of(segments), *rc::gen::inRange<std::int64_t>(1, 40));
  RC_ASSERT(windows.targets() == static_cast<std::int64_t>(expected.size()));
  RC_ASSERT(scored(windows, *rc::gen::inRange(1, 5), *rc::gen::inRange(1, 6)) == expected);
}

TEST(ValidationWindows, TheLastWindowIsPadded) {
  const ValidationWindows windows(split_of({{10, 18}}), 5);
  ASSERT_EQ(windows.count(), 2);
  const Batch batch = windows.batch({0, 2});
  EXPECT_EQ(batch.inputs.to_vector<std::int32_t>(), (std::vector<std::int32_t>{10, 11, 12, 13, 14, 15, 16, 0, 0, 0}));
  EXPECT_EQ(batch.targets.to_vector<std::int32_t>(),
            (std::vector<std::int32_t>{11, 12, 13, 14, 15, 16, 17, -1, -1, -1}));
  EXPECT_EQ(batch.valid_targets, (std::vector<std::int64_t>{5, 2}));
  EXPECT_EQ(batch.sample_ids, (std::vector<std::int64_t>{0, 1}));
}

TEST(ValidationWindows, EvenlySpacedOnesAreSpreadAndNamed) {
  const ValidationWindows all(split_of({{0, 1001}}), 10);  // 100 windows
  const ValidationWindows few = all.evenly_spaced(4);
  EXPECT_EQ(few.batch({0, 4}).sample_ids, (std::vector<std::int64_t>{12, 37, 62, 87}));
  EXPECT_EQ(few.targets(), 40);
  EXPECT_EQ(all.evenly_spaced(1).batch({0, 1}).sample_ids, (std::vector<std::int64_t>{50}));
  EXPECT_EQ(all.evenly_spaced(100).count(), 100);
  EXPECT_EQ(all.evenly_spaced(1000).count(), 100);
  EXPECT_EQ(scored(all.evenly_spaced(1000), 3, 7), scored(all, 1, 100));
}

TEST(ValidationWindows, ASplitWithoutTargetsIsRefused) {
  EXPECT_TRUE(refuses([] { ValidationWindows(split_of({}), 5); }, {"no validation target", "validation_path"}));
  EXPECT_TRUE(refuses([] { ValidationWindows(split_of({{3, 4}}), 5); }, {"has 1 tokens"}));
}

}  // namespace
}  // namespace isobath
