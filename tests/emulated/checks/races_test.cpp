// Planted races: TSan is told of the order that barriers, __syncwarp and launches make, and of no other.

#include <cstdlib>

#include "tests/emulated/checks/harness.hpp"

namespace isobath::emulated {
namespace {

constexpr unsigned kLanes = 32, kThreads = 64;

#ifdef __SANITIZE_THREAD__
constexpr bool kSeesRaces = true;
#else
constexpr bool kSeesRaces = false;
#endif

enum class Sync { Kept, Missing };

template <Sync sync>
__global__ void rotate_in_block(int* out) {
  auto& shared = cuda::block_shared<int[kThreads]>();
  shared[threadIdx.x] = static_cast<int>(threadIdx.x);
  if constexpr (sync == Sync::Kept) __syncthreads();
  out[threadIdx.x] = shared[(threadIdx.x + 1) % kThreads];
}

// Of the collectives of a warp only __syncwarp orders memory, a shuffle does not.
template <Sync sync>
__global__ void swap_in_warp(int* out) {
  auto& shared = cuda::block_shared<int[kLanes]>();
  shared[threadIdx.x] = static_cast<int>(threadIdx.x);
  if constexpr (sync == Sync::Kept)
    __syncwarp();
  else
    __shfl_xor_sync(0xffffffffU, 1, 1);
  out[threadIdx.x] = shared[threadIdx.x ^ 1U];
}

// By the first thread of each block.
template <Sync sync>
__global__ void count_blocks(int* out) {
  if (threadIdx.x != 0) return;
  if constexpr (sync == Sync::Kept)
    atomicAdd(out, 1);
  else
    *out += 1;
}

// By the last thread of a block and the first of the next one.
template <Sync sync>
__global__ void overlap_blocks(int* out) {
  const unsigned stride = blockDim.x - (sync == Sync::Kept ? 0 : 1);
  out[blockIdx.x * stride + threadIdx.x] = 1;
}

__global__ void fill(int* out) { out[threadIdx.x] = 1; }

void run(void (*kernel)(int*), const cuda::LaunchShape& shape) {
  const test::DeviceArray<int> out(shape.blocks.x * shape.threads.x);
  cuda::launch("before", &fill, {.blocks = 1, .threads = shape.threads}, test::queue(), out.data());
  cuda::launch("planted race", kernel, shape, test::queue(), out.data());
  test::finish();
}

void expect_race(void (*kernel)(int*), const cuda::LaunchShape& shape) {
  if (!kSeesRaces) GTEST_SKIP() << "built without TSan (ISOBATH_SANITIZE=thread)";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run_alone = [&] {
    run(kernel, shape);
    std::exit(0);
  };
  EXPECT_EXIT(run_alone(), testing::ExitedWithCode(66), "data race");
}

constexpr cuda::LaunchShape kOneBlock{.blocks = 1, .threads = kThreads}, kOneWarp{.blocks = 1, .threads = kLanes},
    kTwoBlocks{.blocks = 2, .threads = kThreads}, kFourThreads{.blocks = 4, .threads = 1};

// A race in here would end the program with TSan's code.
TEST(Races, AreNoneWhereSomethingOrders) {
  run(&rotate_in_block<Sync::Kept>, kOneBlock);
  run(&swap_in_warp<Sync::Kept>, kOneWarp);
  run(&count_blocks<Sync::Kept>, kTwoBlocks);
  run(&count_blocks<Sync::Kept>, kFourThreads);
  run(&overlap_blocks<Sync::Kept>, kTwoBlocks);
}

TEST(Races, WithoutABarrierAreReported) { expect_race(&rotate_in_block<Sync::Missing>, kOneBlock); }
TEST(Races, WithoutSyncwarpAreReported) { expect_race(&swap_in_warp<Sync::Missing>, kOneWarp); }
TEST(Races, OfBlocksOnOneElementAreReported) { expect_race(&count_blocks<Sync::Missing>, kTwoBlocks); }
TEST(Races, OfBlocksOfOneThreadAreReported) { expect_race(&count_blocks<Sync::Missing>, kFourThreads); }
TEST(Races, OfNeighbouringBlocksAreReported) { expect_race(&overlap_blocks<Sync::Missing>, kTwoBlocks); }

}  // namespace
}  // namespace isobath::emulated
