#include "trainer/checkpoint/background/snapshot.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "ops/core/threads.hpp"

namespace isobath::test {
namespace {

class KernelThreads {
 public:
  explicit KernelThreads(int count) : before_(kernel_threads()) { set_kernel_threads(count); }
  ~KernelThreads() { set_kernel_threads(before_); }
  KernelThreads(const KernelThreads&) = delete;
  KernelThreads& operator=(const KernelThreads&) = delete;

 private:
  int before_;
};

/// No two neighbours alike, and no period that is a power of two.
std::vector<std::byte> pattern(std::size_t bytes) {
  std::vector<std::byte> out(bytes);
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::byte>(i % 251);
  return out;
}

/// Pieces of all lengths around a cache line from all offsets in one, then some that several threads share.
std::vector<std::span<const std::byte>> uneven_pieces(std::span<const std::byte> memory) {
  std::vector<std::span<const std::byte>> pieces;
  for (std::size_t length = 0; length < 200; ++length) pieces.push_back(memory.subspan(length * 7 % 64, length));
  for (const std::size_t length : {3'000'001u, 1u, 2'500'063u}) pieces.push_back(memory.subspan(5, length));
  return pieces;
}

TEST(Snapshot, HoldsEveryByteForAnyNumberOfThreads) {
  const std::vector<std::byte> memory = pattern(4'000'000);
  const auto pieces = uneven_pieces(memory);
  for (const int threads : {1, 2, 3}) {
    const KernelThreads settled(threads);
    Snapshot snapshot;
    snapshot.reserve(16);  // too little: it grows
    snapshot.take(pieces);
    ASSERT_EQ(snapshot.pieces().size(), pieces.size());
    for (std::size_t i = 0; i < pieces.size(); ++i)
      ASSERT_TRUE(std::ranges::equal(snapshot.pieces()[i], pieces[i]))
          << "piece " << i << ", " << threads << " threads";
  }
}

TEST(Snapshot, WritesNothingAroundAPiece) {
  const std::vector<std::byte> memory = pattern(1000);
  Snapshot snapshot;
  snapshot.reserve(1000);
  const std::vector<std::span<const std::byte>> all{std::span(memory)};
  snapshot.take(all);
  const std::span<const std::byte> copy = snapshot.pieces()[0];
  const std::vector<std::span<const std::byte>> other{std::span(memory).subspan(1, 130)};
  snapshot.take(other);
  EXPECT_TRUE(std::ranges::equal(copy.subspan(130), std::span(memory).subspan(130)));
}

}  // namespace
}  // namespace isobath::test
