// What kernels compute is what CUDA defines, whatever the order of threads.

#include <numeric>
#include <set>

#include "tests/emulated/checks/harness.hpp"

namespace isobath::emulated {
namespace {

class Values : public test::InEveryOrder {};

__global__ void write_place(int* out) {
  const int block = static_cast<int>(blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z));
  const int thread = static_cast<int>(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z));
  out[block * static_cast<int>(blockDim.x * blockDim.y * blockDim.z) + thread] = 1000 * block + thread;
}

TEST_P(Values, EveryThreadOfEveryBlockRunsOnceWithItsPlace) {
  constexpr int kBlocks = 2 * 3 * 2, kThreads = 4 * 3 * 5;
  const test::DeviceArray<int> out(kBlocks * kThreads);
  cuda::launch("place", &write_place, {.blocks = dim3(2, 3, 2), .threads = dim3(4, 3, 5)}, test::queue(), out.data());
  const std::vector<int> got = out.read();
  for (int block = 0; block < kBlocks; ++block)
    for (int thread = 0; thread < kThreads; ++thread)
      EXPECT_EQ(got[static_cast<std::size_t>(block * kThreads + thread)], 1000 * block + thread);
}

enum class Shuffle { Index, Up, Down, Xor };

__global__ void shuffle_by(Shuffle how, int argument, int width, int* out) {
  constexpr unsigned kAll = 0xffffffffU;
  const int mine = static_cast<int>(threadIdx.x);
  switch (how) {
    case Shuffle::Index:
      out[mine] = __shfl_sync(kAll, mine, argument, width);
      return;
    case Shuffle::Up:
      out[mine] = __shfl_up_sync(kAll, mine, static_cast<unsigned>(argument), width);
      return;
    case Shuffle::Down:
      out[mine] = __shfl_down_sync(kAll, mine, static_cast<unsigned>(argument), width);
      return;
    case Shuffle::Xor:
      out[mine] = __shfl_xor_sync(kAll, mine, argument, width);
      return;
  }
}

// PTX ISA 8, "shfl.sync", restated: the source lane is taken within groups of `width`; without one, the own lane.
int expected_source(Shuffle how, int lane, int argument, int width) {
  const int begin = lane / width * width, end = begin + width;
  switch (how) {
    case Shuffle::Index:
      return begin + argument % width;
    case Shuffle::Up:
      return lane - argument >= begin ? lane - argument : lane;
    case Shuffle::Down:
      return lane + argument < end ? lane + argument : lane;
    case Shuffle::Xor:
      return (lane ^ argument) < end ? lane ^ argument : lane;
  }
  return -1;
}

TEST_P(Values, ShufflesReadTheLaneThatPtxNames) {
  const test::DeviceArray<int> out(64);
  for (const Shuffle how : {Shuffle::Index, Shuffle::Up, Shuffle::Down, Shuffle::Xor})
    for (const int width : {1, 2, 8, 16, 32})
      for (int argument = 0; argument < 32; argument += 3) {
        cuda::launch("shuffle", &shuffle_by, {.blocks = 1, .threads = 64}, test::queue(), how, argument, width,
                     out.data());
        const std::vector<int> got = out.read();
        for (int thread = 0; thread < 64; ++thread)
          ASSERT_EQ(got[static_cast<std::size_t>(thread)],
                    thread / 32 * 32 + expected_source(how, thread % 32, argument, width))
              << "how " << static_cast<int>(how) << " width " << width << " argument " << argument;
      }
}

__global__ void vote(unsigned* ballots, int* any_all) {
  const unsigned mask = threadIdx.x < 16 ? 0x0000ffffU : 0xffff0000U;  // two halves that do not wait for each other
  ballots[threadIdx.x] = __ballot_sync(mask, threadIdx.x % 3 == 0);
  any_all[threadIdx.x] = 2 * __any_sync(mask, threadIdx.x == 20) + __all_sync(mask, threadIdx.x >= 16);
}

TEST_P(Values, VotesCountTheLanesOfTheMask) {
  const test::DeviceArray<unsigned> ballots(32);
  const test::DeviceArray<int> any_all(32);
  cuda::launch("vote", &vote, {.blocks = 1, .threads = 32}, test::queue(), ballots.data(), any_all.data());
  const std::vector<unsigned> votes = ballots.read();
  const std::vector<int> answers = any_all.read();
  for (unsigned thread = 0; thread < 32; ++thread) {
    EXPECT_EQ(votes[thread], thread < 16 ? 0x9249U : 0x49240000U);
    EXPECT_EQ(answers[thread], thread < 16 ? 0 : 3);
  }
}

__global__ void use_atomics(int* total, unsigned* largest, int* smallest, int* tickets, int* claims) {
  const int value = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  atomicAdd(total, value);
  atomicMax(largest, static_cast<unsigned>(value));
  atomicMin(smallest, -value);
  tickets[atomicAdd(tickets, 1)] = value;
  if (atomicCAS(claims, -1, value) == -1) claims[1] = value;
}

TEST_P(Values, AtomicsLoseNothing) {
  constexpr int kCount = 4 * 32;
  const test::DeviceArray<int> total(1), smallest(1), tickets(kCount + 1), claims(2);
  const test::DeviceArray<unsigned> largest(1);
  total.write({0});
  smallest.write({0});
  largest.write({0});
  std::vector<int> no_tickets(kCount + 1, 0);
  no_tickets[0] = 1;  // element 0 counts: the next free place
  tickets.write(no_tickets);
  claims.write({-1, -1});
  cuda::launch("atomics", &use_atomics, {.blocks = 4, .threads = 32}, test::queue(), total.data(), largest.data(),
               smallest.data(), tickets.data(), claims.data());
  EXPECT_EQ(total.read()[0], kCount * (kCount - 1) / 2);
  EXPECT_EQ(largest.read()[0], static_cast<unsigned>(kCount - 1));
  EXPECT_EQ(smallest.read()[0], 1 - kCount);
  std::vector<int> drawn = tickets.read();
  EXPECT_EQ(std::set<int>(drawn.begin() + 1, drawn.end()).size(), static_cast<std::size_t>(kCount));
  EXPECT_EQ(claims.read()[0], claims.read()[1]);
}

__global__ void sum_through_dynamic(const int* values, int* out) {
  int* const partial = cuda::dynamic_shared<int>();
  partial[threadIdx.x] = values[threadIdx.x];
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
  }
  if (threadIdx.x == 0) *out = partial[0];
}

TEST_P(Values, ABlockAddsThroughDynamicSharedMemory) {
  constexpr unsigned kThreads = 1024;
  const test::DeviceArray<int> values(kThreads), out(1);
  std::vector<int> numbers(kThreads);
  std::iota(numbers.begin(), numbers.end(), 0);
  values.write(numbers);
  cuda::launch("sum", &sum_through_dynamic, {.blocks = 1, .threads = kThreads, .dynamic_bytes = kThreads * sizeof(int)},
               test::queue(), values.data(), out.data());
  EXPECT_EQ(out.read()[0], static_cast<int>(kThreads * (kThreads - 1) / 2));
}

__global__ void through_syncwarp(int* out) {
  auto& shared = cuda::block_shared<int[64]>();
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  shared[threadIdx.x] = static_cast<int>(threadIdx.x);
  __syncwarp();
  out[threadIdx.x] = shared[warp * 32 + (lane + 1) % 32];
}

TEST_P(Values, SyncwarpOrdersTheLanesOfAWarp) {
  const test::DeviceArray<int> out(64);
  cuda::launch("syncwarp", &through_syncwarp, {.blocks = 1, .threads = 64}, test::queue(), out.data());
  const std::vector<int> got = out.read();
  for (int thread = 0; thread < 64; ++thread)
    EXPECT_EQ(got[static_cast<std::size_t>(thread)], thread / 32 * 32 + (thread + 1) % 32);
}

IN_EVERY_ORDER(Values);

}  // namespace
}  // namespace isobath::emulated
