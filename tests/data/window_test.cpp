// Splits and windows: no window crosses a border, every epoch has as many, all tokens are used over the epochs.

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "data/data_support.hpp"
#include "data/order/sample_order.hpp"
#include "data/order/split.hpp"
#include "data/order/window_index.hpp"
#include "data/shard_spec.hpp"

namespace isobath {
namespace {

using test::refuses;

TEST(ShareOf, IsTheFormulaOfTheArchitecture) {
  for (std::int64_t count = 1; count <= 9; ++count)
    for (std::int64_t total = 0; total <= 40; ++total)
      for (std::int64_t rank = 0; rank < count; ++rank)
        EXPECT_EQ(share_of(total, {rank, count}), (IndexRange{rank * total / count, (rank + 1) * total / count}));
  const std::int64_t huge = std::int64_t{1} << 62;  // the plain formula would overflow
  EXPECT_EQ(share_of(huge, {999, 1000}).end, huge);
}

TEST(Split, EveryNthBlockValidates) {
  // 10 blocks of 4 and one of 2; a fifth of them, the last of each five.
  const InterleavedSegments split = interleave(42, {.fraction = 0.2, .block = 4});
  EXPECT_EQ(split.train, (std::vector<Segment>{{0, 16}, {20, 36}, {40, 42}}));
  EXPECT_EQ(split.validation, (std::vector<Segment>{{16, 20}, {36, 40}}));
}

TEST(Split, ABlockOfOneShareHoldsOutTheEnd) {
  const InterleavedSegments split = interleave(1000, {.fraction = 0.1, .block = 100});
  EXPECT_EQ(split.train, (std::vector<Segment>{{0, 900}}));
  EXPECT_EQ(split.validation, (std::vector<Segment>{{900, 1000}}));
}

TEST(Split, FractionZeroTrainsOnAll) {
  const InterleavedSegments split = interleave(42, {.fraction = 0.0, .block = 4});
  EXPECT_EQ(split.train, (std::vector<Segment>{{0, 42}}));
  EXPECT_TRUE(split.validation.empty());
}

TEST(Split, TooFewBlocksAreRefusedWithABlockThatWorks) {
  const auto body = [] { interleave(1000, {.fraction = 0.05, .block = 64}); };
  EXPECT_TRUE(refuses(body, {"1000 tokens", "16 blocks of 64", "one of 20", "at most 50"}));
  EXPECT_FALSE(interleave(1000, {.fraction = 0.05, .block = 50}).validation.empty());
}

RC_GTEST_PROP(Split, CoversEveryTokenOnceAndKeepsTheFraction, ()) {
  const auto tokens = *rc::gen::inRange<std::int64_t>(1, 5000);
  const auto block = *rc::gen::inRange<std::int64_t>(1, 60);
  const double fraction = *rc::gen::inRange(0, 1000) / 1000.0;
  InterleavedSegments split;
  try {
    split = interleave(tokens, {fraction, block});
  } catch (const DataError&) {
    RC_DISCARD("no validation block");
  }
  std::vector<Segment> all = split.train;
  all.insert(all.end(), split.validation.begin(), split.validation.end());
  std::sort(all.begin(), all.end(), [](const Segment& a, const Segment& b) { return a.begin < b.begin; });
  std::int64_t next = 0, held_out = 0;
  for (const Segment& segment : all) {
    RC_ASSERT(segment.begin == next && segment.end > segment.begin);
    next = segment.end;
  }
  RC_ASSERT(next == tokens);
  for (const Segment& segment : split.validation) held_out += segment.size();
  // The running sum is below one block's worth off, and the last block may be short by as much.
  RC_ASSERT(std::abs(static_cast<double>(held_out) - fraction * static_cast<double>(tokens)) <
            2.0 * static_cast<double>(block));
}

std::vector<Segment> arbitrary_segments() {
  std::vector<Segment> out;
  std::int64_t at = 0;
  for (const auto& [gap, size] : *rc::gen::container<std::vector<std::pair<int, int>>>(
           rc::gen::pair(rc::gen::inRange(0, 20), rc::gen::inRange(1, 200)))) {
    out.push_back({at + gap, at + gap + size});
    at += gap + size;
  }
  return out;
}

RC_GTEST_PROP(Windows, StayInsideASegmentAndDoNotOverlap, ()) {
  const std::vector<Segment> segments = arbitrary_segments();
  const auto context = *rc::gen::inRange<std::int64_t>(1, 40);
  std::int64_t longest = 0;
  for (const Segment& segment : segments) longest = std::max(longest, segment.size());
  RC_PRE(longest > context);
  const WindowIndex windows(segments, context);
  const auto offset = *rc::gen::arbitrary<std::uint64_t>();
  std::int64_t after_inputs = 0;
  for (std::int64_t window = 0; window < windows.count(); ++window) {
    const std::int64_t begin = windows.begin(window, offset);
    const auto home = std::find_if(segments.begin(), segments.end(), [&](const Segment& segment) {
      return begin >= segment.begin && begin + context + 1 <= segment.end;
    });
    RC_ASSERT(home != segments.end());
    RC_ASSERT(begin >= after_inputs);  // the last target of one may be the first input of the next
    after_inputs = begin + context;
  }
}

TEST(Windows, StartAtMultiplesOfTheContextPlusTheOffset) {
  // 50 tokens: 4 windows, room 9. 41 tokens: 3 windows, room 10. 15 tokens: 1 window, room 4. 10 tokens: none.
  const WindowIndex windows({{100, 150}, {200, 241}, {300, 315}, {400, 410}}, 10);
  ASSERT_EQ(windows.count(), 4 + 3 + 1);
  for (std::uint64_t shift = 0; shift < 100; ++shift) {
    const auto offset = [&](std::uint64_t offsets) { return static_cast<std::int64_t>(shift % offsets); };
    for (std::int64_t i = 0; i < 4; ++i) EXPECT_EQ(windows.begin(i, shift), 100 + 10 * i + offset(10));
    for (std::int64_t i = 0; i < 3; ++i) EXPECT_EQ(windows.begin(4 + i, shift), 200 + 10 * i + offset(11));
    EXPECT_EQ(windows.begin(7, shift), 300 + offset(5));
  }
}

TEST(Windows, EveryTargetIsReachedBySomeShift) {
  for (std::int64_t size = 6; size < 60; ++size) {
    const WindowIndex windows({{0, size}}, 5);
    std::set<std::int64_t> targets;
    for (std::uint64_t shift = 0; shift < 10; ++shift)  // room + 1 is at most 2 T - 1
      for (std::int64_t window = 0; window < windows.count(); ++window)
        for (std::int64_t i = 1; i <= 5; ++i) targets.insert(windows.begin(window, shift) + i);
    EXPECT_EQ(static_cast<std::int64_t>(targets.size()), size - 1) << size;
    EXPECT_EQ(*targets.rbegin(), size - 1) << size;
  }
}

TEST(Windows, AContextLongerThanTheDataIsRefused) {
  EXPECT_TRUE(refuses(
      [] {
        WindowIndex({{0, 10}, {20, 27}}, 10);
      },
      {"context is longer than the data", "10 + 1 tokens", "17 tokens in all", "at most 9"}));
  EXPECT_EQ(WindowIndex({{0, 11}}, 10).count(), 1);
}

TEST(Order, AnEpochTakesEveryWindowOnceAtOneOffset) {
  const SampleOrder order(WindowIndex({{0, 100}}, 10), 42);
  const std::int64_t count = order.windows_per_epoch();
  std::set<std::int64_t> offsets;
  std::set<std::vector<std::int64_t>> orders;
  for (std::int64_t epoch = 0; epoch < 100; ++epoch) {
    std::set<std::int64_t> windows, offsets_of_epoch;
    std::vector<std::int64_t> sequence;
    for (std::int64_t i = 0; i < count; ++i) {
      const SamplePlace place = order.place(epoch * count + i);
      EXPECT_EQ(place.epoch, epoch);
      windows.insert(place.window);
      sequence.push_back(place.window);
      offsets_of_epoch.insert(place.begin - 10 * place.window);
    }
    EXPECT_EQ(static_cast<std::int64_t>(windows.size()), count);
    EXPECT_EQ(offsets_of_epoch.size(), 1U);
    offsets.insert(*offsets_of_epoch.begin());
    orders.insert(sequence);
  }
  // 100 draws miss one of the 10 offsets with probability 10 * 0.9^100 = 3e-4, and two of the 9! orders of 9 windows
  // are equal with probability 0.014; the seed is fixed, so this holds or not for good.
  EXPECT_EQ(offsets.size(), 10U);
  EXPECT_EQ(orders.size(), 100U);
}

TEST(Order, DependsOnTheSeed) {
  const WindowIndex windows({{0, 5000}}, 10);
  const SampleOrder first(windows, 1), same(windows, 1), other(windows, 2);
  int equal = 0;
  for (std::int64_t g = 0; g < 400; ++g) {
    EXPECT_EQ(first.place(g), same.place(g));
    equal += first.place(g).window == other.place(g).window;
  }
  EXPECT_LT(equal, 20);  // two random orders agree in one place on average
}

TEST(Order, IsKnownForever) {
  // A run that is resumed by a later version must go on with the same samples, so these values never change. They come
  // from an implementation of RandomKey, Philox and the Feistel network in Python, written from their descriptions.
  const SampleOrder order(WindowIndex({{0, 1000}}, 10), 1234);
  std::vector<std::int64_t> begins;
  for (const std::int64_t g : {0, 1, 2, 98, 99, 100, 1000000}) begins.push_back(order.place(g).begin);
  EXPECT_EQ(begins, (std::vector<std::int64_t>{616, 156, 56, 296, 913, 873, 483}));
}

}  // namespace
}  // namespace isobath
