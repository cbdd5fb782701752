// The arithmetic of flat buffers, for any list of parameters.

#include "parallel/flat_layout.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "parallel/flat_shard.hpp"

namespace isobath {
namespace {

struct Case {
  std::vector<FlatItem> items;
  FlatSettings settings;
};

Case any_case() {
  Case drawn;
  const int count = *rc::gen::inRange(1, 40);
  for (int i = 0; i < count; ++i)
    drawn.items.push_back({*rc::gen::inRange<std::int64_t>(1, 3000),
                           *rc::gen::element(ParameterGroup::Main, ParameterGroup::Predictor),
                           *rc::gen::element(WeightDecay::Yes, WeightDecay::No), *rc::gen::element(1.0F, 0.25F)});
  drawn.settings = {*rc::gen::inRange<std::int64_t>(4, 20'000), *rc::gen::inRange(1, 9)};
  return drawn;
}

void holds(const char* law, const std::function<void(const Case&, const FlatLayout&)>& check) {
  EXPECT_TRUE(rc::check(law, [&] {
    const Case drawn = any_case();
    check(drawn, FlatLayout(drawn.items, drawn.settings));
  }));
}

TEST(FlatLayout, holds_every_parameter_once_aligned_and_apart) {
  holds("pieces", [](const Case& drawn, const FlatLayout& layout) {
    RC_ASSERT(layout.pieces().size() == drawn.items.size());
    std::vector<bool> seen(drawn.items.size(), false);
    std::int64_t free_from = 0;
    for (const FlatPiece& piece : layout.pieces()) {
      RC_ASSERT(!seen[piece.item]);
      seen[piece.item] = true;
      RC_ASSERT(piece.range.count() == drawn.items[piece.item].count);
      RC_ASSERT(piece.range.begin % 16 == 0);
      RC_ASSERT(piece.range.begin >= free_from);
      free_from = piece.range.end;
    }
    RC_ASSERT(free_from <= layout.total());
    for (std::size_t item = 0; item < drawn.items.size(); ++item) RC_ASSERT(layout.piece_of(item).item == item);
  });
}

TEST(FlatLayout, cuts_the_buffer_into_buckets_that_divide_by_the_ranks) {
  holds("buckets", [](const Case& drawn, const FlatLayout& layout) {
    std::int64_t begin = 0;
    std::size_t piece = 0;
    for (const FlatBucket& bucket : layout.buckets()) {
      RC_ASSERT(bucket.range.begin == begin);
      RC_ASSERT((bucket.range.count() > 0 && bucket.range.count() % (16 * drawn.settings.world_size) == 0));
      RC_ASSERT((bucket.first_piece == piece && bucket.end_piece > piece));
      for (; piece < bucket.end_piece; ++piece) {
        const FlatPiece& inside = layout.pieces()[piece];
        RC_ASSERT(&layout.buckets()[inside.bucket] == &bucket);
        RC_ASSERT((inside.range.begin >= bucket.range.begin && inside.range.end <= bucket.range.end));
        RC_ASSERT(drawn.items[inside.item].group == bucket.group);
      }
      begin = bucket.range.end;
    }
    RC_ASSERT((begin == layout.total() && piece == layout.pieces().size()));
  });
}

TEST(FlatLayout, fills_a_bucket_up_to_its_size_and_no_further) {
  holds("capacity", [](const Case& drawn, const FlatLayout& layout) {
    const std::int64_t capacity = drawn.settings.bucket_bytes / 4;
    for (std::size_t i = 0; i < layout.buckets().size(); ++i) {
      const FlatBucket& bucket = layout.buckets()[i];
      const std::int64_t used = layout.pieces()[bucket.end_piece - 1].range.end - bucket.range.begin;
      RC_ASSERT((used <= capacity || bucket.end_piece - bucket.first_piece == 1));
      if (i + 1 == layout.buckets().size() || layout.buckets()[i + 1].group != bucket.group) continue;
      const std::int64_t aligned = (used + 15) / 16 * 16;
      const FlatPiece& next = layout.pieces()[bucket.end_piece];
      RC_ASSERT(aligned + next.range.count() > capacity);
    }
  });
}

TEST(FlatLayout, keeps_groups_together_and_reverses_the_order_of_use_in_each) {
  holds("order", [](const Case& drawn, const FlatLayout& layout) {
    std::vector<std::size_t> expected;
    for (const ParameterGroup group : {ParameterGroup::Main, ParameterGroup::Predictor})
      for (std::size_t item = drawn.items.size(); item-- > 0;)
        if (drawn.items[item].group == group) expected.push_back(item);
    std::vector<std::size_t> actual;
    for (const FlatPiece& piece : layout.pieces()) {
      actual.push_back(piece.item);
      const FlatRange group = layout.group(drawn.items[piece.item].group);
      RC_ASSERT((piece.range.begin >= group.begin && piece.range.end <= group.end));
    }
    RC_ASSERT(actual == expected);
    RC_ASSERT(layout.group(ParameterGroup::Main).begin == 0);
    RC_ASSERT(layout.group(ParameterGroup::Main).end == layout.group(ParameterGroup::Predictor).begin);
    RC_ASSERT(layout.group(ParameterGroup::Predictor).end == layout.total());
  });
}

TEST(FlatLayout, gives_every_parameter_its_weight_decay_and_rate) {
  holds("decay", [](const Case& drawn, const FlatLayout& layout) {
    for (const ParameterGroup group : {ParameterGroup::Main, ParameterGroup::Predictor}) {
      const FlatRange whole = layout.group(group);
      const auto ranges = layout.update_ranges(group);
      std::int64_t begin = 0;
      for (std::size_t i = 0; i < ranges.size(); ++i) {
        RC_ASSERT((ranges[i].range.begin == begin && ranges[i].range.count() > 0));
        RC_ASSERT((i == 0 || ranges[i].decay != ranges[i - 1].decay || ranges[i].rate != ranges[i - 1].rate));
        begin = ranges[i].range.end;
      }
      RC_ASSERT(begin == whole.count());
      for (const FlatPiece& piece : layout.pieces()) {
        if (drawn.items[piece.item].group != group) continue;
        const auto range = std::find_if(ranges.begin(), ranges.end(), [&](const UpdateRange& candidate) {
          return candidate.range.begin <= piece.range.begin - whole.begin &&
                 piece.range.end - whole.begin <= candidate.range.end;
        });
        RC_ASSERT(range != ranges.end());
        RC_ASSERT(range->decay == drawn.items[piece.item].decay);
        RC_ASSERT(range->rate == drawn.items[piece.item].rate);
      }
    }
  });
}

TEST(FlatLayout, of_a_small_model_by_hand) {
  // Order of use: embedding 100, weight 40, bias 8. Buckets of 64 elements; 2 ranks, so lengths are multiples of 32.
  const FlatLayout layout({{100}, {40}, {8, ParameterGroup::Main, WeightDecay::No}}, {256, 2});
  ASSERT_EQ(layout.buckets().size(), 2u);
  EXPECT_EQ(layout.piece_of(2).range, (FlatRange{0, 8}));
  EXPECT_EQ(layout.piece_of(1).range, (FlatRange{16, 56}));
  EXPECT_EQ(layout.buckets()[0].range, (FlatRange{0, 64}));
  EXPECT_EQ(layout.piece_of(0).range, (FlatRange{64, 164}));
  EXPECT_EQ(layout.buckets()[1].range, (FlatRange{64, 192}));  // one parameter larger than a bucket stays whole
  const auto ranges = layout.update_ranges(ParameterGroup::Main);
  ASSERT_EQ(ranges.size(), 2u);
  EXPECT_EQ(ranges[0].range, (FlatRange{0, 16}));
  EXPECT_EQ(ranges[1].range, (FlatRange{16, 192}));
  EXPECT_EQ(layout.group(ParameterGroup::Predictor), (FlatRange{192, 192}));
  EXPECT_TRUE(layout.update_ranges(ParameterGroup::Predictor).empty());
}

TEST(FlatLayout, fills_a_bucket_to_the_last_element) {
  EXPECT_EQ(FlatLayout({{48}, {16}}, {256, 1}).buckets().size(), 1u);
  EXPECT_EQ(FlatLayout({{49}, {16}}, {256, 1}).buckets().size(), 2u);
}

TEST(FlatLayout, refuses_what_cannot_be) {
  EXPECT_THROW(FlatLayout({{0}}, {}), InternalError);
  EXPECT_THROW(FlatLayout({{1}}, {1024, 0}), InternalError);
  EXPECT_THROW(FlatLayout({{1}}, {0, 1}), InternalError);
}

TEST(FlatShard, gives_every_element_of_every_parameter_one_owner) {
  holds("owners", [](const Case& drawn, const FlatLayout& layout) {
    const int parts = *rc::gen::element(1, drawn.settings.world_size);
    for (std::size_t item = 0; item < drawn.items.size(); ++item) {
      std::int64_t next = 0;
      int owner = -1;
      for (const ParameterPart& part : FlatShard(layout, 0, parts).parts_of(item)) {
        RC_ASSERT(part.range.begin == next && part.range.count() > 0);
        RC_ASSERT(part.rank > owner && part.rank < parts);
        next = part.range.end;
        owner = part.rank;
        // The owner finds it in its own shard, at the place that everybody computed.
        const FlatShard shard(layout, owner, parts);
        const std::int64_t flat = layout.piece_of(item).range.begin + part.range.begin;
        const bool found = std::any_of(shard.segments().begin(), shard.segments().end(), [&](const auto& segment) {
          return segment.flat.begin <= flat && flat + part.range.count() <= segment.flat.end &&
                 segment.held.begin + flat - segment.flat.begin == part.held;
        });
        RC_ASSERT(found);
      }
      RC_ASSERT(next == drawn.items[item].count);
    }
  });
}

TEST(FlatShard, cuts_the_buffers_into_equal_shards) {
  holds("shards", [](const Case& drawn, const FlatLayout& layout) {
    for (int rank = 0; rank < drawn.settings.world_size; ++rank) {
      const FlatShard shard(layout, rank, drawn.settings.world_size);
      std::int64_t held = 0;
      for (const ShardSegment& segment : shard.segments()) {
        RC_ASSERT(segment.held.begin == held);
        RC_ASSERT(segment.held.count() == segment.flat.count());
        held = segment.held.end;
      }
      RC_ASSERT(held == shard.total());
      RC_ASSERT(held * drawn.settings.world_size == layout.total());
    }
  });
}

}  // namespace
}  // namespace isobath
