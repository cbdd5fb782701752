// The prefetch thread alone: order, bound, errors, seeks and ends under load. Runs under the thread sanitizer.

#include "data/batches/prefetcher.hpp"

#include <atomic>
#include <chrono>

#include "data/data_support.hpp"
#include "ops/core/random.hpp"

namespace isobath {
namespace {

using test::refuses;

HostBatch batch_of(std::int64_t step) {
  HostBatch batch;
  batch.context = 1;
  batch.inputs = batch.targets = {static_cast<std::int32_t>(step % 1000)};
  batch.samples = {step};
  batch.valid_targets = {1};
  return batch;
}

TEST(Prefetcher, DeliversStepsInOrder) {
  for (const std::int64_t depth : {1, 2, 7}) {
    Prefetcher prefetcher(batch_of, depth);
    for (std::int64_t step = 0; step < 2000; ++step) ASSERT_EQ(prefetcher.take().samples.front(), step);
  }
}

TEST(Prefetcher, WorksAheadUpToItsDepth) {
  std::atomic<std::int64_t> made{0};
  Prefetcher prefetcher(
      [&](std::int64_t step) {
        ++made;
        return batch_of(step);
      },
      3);
  // It gets there without being asked ...
  while (made < 3) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  // ... and stops: this wait can only miss a fault, never invent one.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(made, 3);
  prefetcher.take();
  while (made < 4) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(Prefetcher, CarriesErrorsToTheirStep) {
  std::atomic<std::int64_t> last{-1};
  Prefetcher prefetcher(
      [&](std::int64_t step) {
        last = step;
        if (step % 5 == 4) throw DataError("step " + std::to_string(step));
        return batch_of(step);
      },
      2);
  for (std::int64_t step = 0; step < 4; ++step) EXPECT_EQ(prefetcher.take().samples.front(), step);
  for (int again = 0; again < 3; ++again) EXPECT_TRUE(refuses([&] { prefetcher.take(); }, {"step 4"}));
  EXPECT_EQ(last, 4) << "nothing is made behind an error";
  prefetcher.seek(5);
  EXPECT_EQ(prefetcher.take().samples.front(), 5);
}

TEST(Prefetcher, StressOfSeeksTakesAndErrors) {
  Prefetcher prefetcher(
      [](std::int64_t step) {
        if (step % 97 == 96) throw DataError("step " + std::to_string(step));
        return batch_of(step);
      },
      3);
  std::uint64_t state = 1;
  for (int round = 0; round < 3000; ++round) {
    state = mix(state);
    const auto target = static_cast<std::int64_t>(state % 10000);
    prefetcher.seek(target);
    for (std::int64_t step = target; step < target + static_cast<std::int64_t>(state >> 60); ++step) {
      if (step % 97 == 96) {
        ASSERT_TRUE(refuses([&] { prefetcher.take(); }, {"step " + std::to_string(step)}));
        break;
      }
      ASSERT_EQ(prefetcher.take().samples.front(), step);
    }
  }
}

TEST(Prefetcher, EndsAtAnyMoment) {
  for (int round = 0; round < 500; ++round) {
    Prefetcher prefetcher(batch_of, 1 + round % 4);
    for (int taken = 0; taken < round % 7; ++taken) prefetcher.take();
    if (round % 3 == 0) prefetcher.seek(round);
  }
}

TEST(Prefetcher, ManyAtOnce) {
  std::vector<std::jthread> consumers;
  std::atomic<int> wrong{0};
  for (int consumer = 0; consumer < 4; ++consumer)
    consumers.emplace_back([&] {
      Prefetcher prefetcher(batch_of, 2);
      for (std::int64_t step = 0; step < 1000; ++step) wrong += prefetcher.take().samples.front() != step;
    });
  consumers.clear();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace isobath
