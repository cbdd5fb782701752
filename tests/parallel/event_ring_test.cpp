#include "parallel/event_ring.hpp"

#include <gtest/gtest.h>

namespace isobath {
namespace {

TEST(EventRing, keeps_the_last_events_by_time) {
  EventRing ring(3);
  for (const std::int64_t time : {10, 40, 20, 30}) ring.record({time, EventKind::Wait, "bucket", time / 10});
  const auto events = ring.events();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].index, 2);
  EXPECT_EQ(events[1].index, 3);
  EXPECT_EQ(events[2].index, 4);
  ring.clear();
  EXPECT_TRUE(ring.events().empty());
}

TEST(EventRing, takes_the_time_itself) {
  EventRing ring(2);
  const std::int64_t before = nanoseconds_now();
  ring.record(EventKind::BucketReady, "bucket", 7);
  ASSERT_EQ(ring.events().size(), 1u);
  EXPECT_GE(ring.events()[0].time, before);
  EXPECT_LE(ring.events()[0].time, nanoseconds_now());
  EXPECT_STREQ(name_of(ring.events()[0].kind), "bucket ready");
}

}  // namespace
}  // namespace isobath
