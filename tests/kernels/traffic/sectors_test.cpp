// The model of caches that kernel_traffic counts with.

#include "kernels/traffic/sectors.hpp"

#include <gtest/gtest.h>

namespace isobath::traffic {

static void PrintTo(const Moved& moved, std::ostream* out) {  // found by GoogleTest
  *out << moved.asked << " asked, " << moved.fetched << " fetched, " << moved.memory << " from memory";
}

namespace {

constexpr std::uintptr_t kBase = 1 << 20;

// Sixteen bytes by each of `threads`, `apart` bytes from thread to thread.
void touch(Sectors& sectors, std::int64_t threads, std::int64_t apart, Kind kind = Kind::Load) {
  for (std::int64_t thread = 0; thread < threads; ++thread)
    sectors.touch({kBase + static_cast<std::uintptr_t>(thread * apart), 16, kind});
}

Moved moved(std::int64_t asked, std::int64_t fetched, std::int64_t memory) { return {asked, fetched, memory}; }

TEST(Sectors, NeighboursShareThem) {
  Sectors sectors;
  sectors.begin_block();
  touch(sectors, 64, 16);
  EXPECT_EQ(sectors.moved(), moved(1024, 1024, 1024));
}

TEST(Sectors, WhatLiesApartCostsWholeOnes) {
  Sectors sectors;
  sectors.begin_block();
  touch(sectors, 64, 128);
  EXPECT_EQ(sectors.moved(), moved(1024, 2048, 2048));
}

TEST(Sectors, AnAccessAcrossAnEdgeTakesTwo) {
  Sectors sectors;
  sectors.begin_block();
  sectors.touch({kBase + 24, 16, Kind::Load});
  EXPECT_EQ(sectors.moved(), moved(16, 64, 64));
}

TEST(Sectors, LoadsAndStoresCountApart) {
  Sectors sectors;
  sectors.begin_block();
  touch(sectors, 2, 16);
  touch(sectors, 2, 16, Kind::Store);
  EXPECT_EQ(sectors.moved(), moved(64, 64, 64));
}

TEST(Sectors, ABlockFindsAgainWhatIsNotTooFarBack) {
  Sectors sectors;
  sectors.begin_block();
  for (int pass = 0; pass < 2; ++pass) touch(sectors, kSectorsOfABlock, kSectorBytes);
  EXPECT_EQ(sectors.moved(), moved(2 * 16 * 1024, 32 * 1024, 32 * 1024));
}

TEST(Sectors, AndNothingFurtherBack) {
  Sectors sectors;
  sectors.begin_block();
  for (int pass = 0; pass < 2; ++pass) touch(sectors, 2 * kSectorsOfABlock, kSectorBytes);
  EXPECT_EQ(sectors.moved(), moved(2 * 32 * 1024, 128 * 1024, 128 * 1024));
}

TEST(Sectors, AnotherBlockFetchesFromL2) {
  Sectors sectors;
  for (int block = 0; block < 3; ++block) {
    sectors.begin_block();
    touch(sectors, 64, 16);
  }
  EXPECT_EQ(sectors.moved(), moved(3 * 1024, 3 * 1024, 1024));
}

}  // namespace
}  // namespace isobath::traffic
