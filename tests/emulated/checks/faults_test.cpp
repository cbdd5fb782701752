// Planted faults: what CUDA leaves undefined is reported, with the line, under every order of threads.

#include "ops/core/cuda/mma.cuh"
#include "tests/emulated/checks/harness.hpp"

namespace isobath::emulated {
namespace {

using test::fault_of;
using testing::HasSubstr;

class Faults : public test::InEveryOrder {};

__global__ void half_skip_the_barrier() {
  if (threadIdx.x < 16) __syncthreads();
}

__global__ void return_before_the_barrier(int* out) {
  if (threadIdx.x == 5) return;
  __syncthreads();
  out[threadIdx.x] = 1;
}

__global__ void two_barriers() {
  if (threadIdx.x % 2 == 0)
    __syncthreads();
  else
    __syncthreads();
}

__global__ void absent_lane(int* out) {
  if (threadIdx.x == 7) return;
  out[threadIdx.x] = __shfl_xor_sync(0xffffffffU, 1, 1);
}

template <int kCount>
__device__ float multiply_zeros() {
  cuda::SumFragment sums[kCount] = {};
  const cuda::RightFragment right[kCount] = {};
  cuda::multiply_add(sums, cuda::LeftFragment{}, right);
  return sums[0].values[0];
}

__global__ void absent_lane_of_a_product(float* out) {
  if (threadIdx.x == 7) return;
  out[threadIdx.x] = multiply_zeros<2>();
}

__global__ void products_of_different_sizes(float* out) {
  out[threadIdx.x] = threadIdx.x == 7 ? multiply_zeros<1>() : multiply_zeros<2>();
}

__global__ void product_beside_a_vote(float* out) {
  out[threadIdx.x] = threadIdx.x == 7 ? static_cast<float>(__any_sync(0xffffffffU, 1)) : multiply_zeros<1>();
}

__global__ void lane_at_the_barrier(int* out) {
  if (threadIdx.x == 7)
    __syncthreads();
  else
    out[threadIdx.x] = __shfl_sync(0xffffffffU, 1, 0);
}

__global__ void not_in_own_mask(int* out) { out[threadIdx.x] = __shfl_sync(0x0000ffffU, 1, 0); }

__global__ void source_not_in_mask(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0x0000ffffU, 1, 20);
}

__global__ void different_masks(int* out) {
  const unsigned mask = threadIdx.x == 3 ? 0x0000ffffU : 0xffffffffU;
  out[threadIdx.x] = __shfl_sync(mask, 1, 0);
}

__global__ void full_mask() { __syncwarp(); }

__global__ void throws_itself() {
  if (threadIdx.x == 9) throw std::runtime_error("from a kernel");
  __syncthreads();
}

TEST_P(Faults, ABarrierThatHalfOfTheThreadsSkip) {
  const std::string message = fault_of(&half_skip_the_barrier, 32);
  EXPECT_THAT(message, HasSubstr("15 more: waits at a barrier"));
  EXPECT_THAT(message, HasSubstr("15 more: has returned"));
  EXPECT_THAT(message, HasSubstr("faults_test.cpp"));
}

TEST_P(Faults, ABarrierThatOneThreadNeverReaches) {
  const test::DeviceArray<int> out(64);
  EXPECT_THAT(fault_of(&return_before_the_barrier, 64, out.data()),
              HasSubstr("thread (5, 0, 0) and 0 more: has returned"));
}

TEST_P(Faults, DifferentBarriersInDifferentBranches) {
  EXPECT_THAT(fault_of(&two_barriers, 32), HasSubstr("cannot go on"));
}

TEST_P(Faults, AnAbsentLane) {
  const test::DeviceArray<int> out(32);
  EXPECT_THAT(fault_of(&absent_lane, 32, out.data()), HasSubstr("returned"));
}

TEST_P(Faults, AProductWithoutOneLane) {
  const test::DeviceArray<float> out(32);
  EXPECT_THAT(fault_of(&absent_lane_of_a_product, 32, out.data()), HasSubstr("returned"));
}

TEST_P(Faults, AProductByLessThanAWarp) {
  const test::DeviceArray<float> out(32);
  EXPECT_THAT(fault_of(&absent_lane_of_a_product, 6, out.data()), HasSubstr("it has 6"));
}

TEST_P(Faults, LanesThatMultiplyDifferently) {
  const test::DeviceArray<float> out(32);
  EXPECT_THAT(fault_of(&products_of_different_sizes, 32, out.data()), HasSubstr("right factors"));
  EXPECT_THAT(fault_of(&product_beside_a_vote, 32, out.data()), HasSubstr("different collectives"));
}

TEST_P(Faults, ALaneThatWaitsElsewhere) {
  const test::DeviceArray<int> out(32);
  const std::string message = fault_of(&lane_at_the_barrier, 32, out.data());
  EXPECT_THAT(message, HasSubstr("thread (7, 0, 0) and 0 more: waits at a barrier"));
  EXPECT_THAT(message, HasSubstr("30 more: waits in a warp collective"));
}

TEST_P(Faults, ACallerOutsideItsMask) {
  const test::DeviceArray<int> out(32);
  EXPECT_THAT(fault_of(&not_in_own_mask, 32, out.data()), HasSubstr("not in its own mask"));
}

TEST_P(Faults, AShuffleFromOutsideTheMask) {
  const test::DeviceArray<int> out(32);
  EXPECT_THAT(fault_of(&source_not_in_mask, 32, out.data()), HasSubstr("reads from lane 20"));
}

TEST_P(Faults, LanesWithDifferentMasks) {
  const test::DeviceArray<int> out(32);
  EXPECT_THAT(fault_of(&different_masks, 32, out.data()), HasSubstr("different masks"));
}

TEST_P(Faults, AMaskWithMoreLanesThanTheBlockHas) { EXPECT_THAT(fault_of(&full_mask, 48), HasSubstr("it has 16")); }

TEST_P(Faults, WhatAKernelThrowsReachesWhoRunsIt) {
  const auto run = [] {
    cuda::launch("throws", &throws_itself, {.blocks = 1, .threads = 64}, test::queue());
    test::finish();
  };
  EXPECT_THROW(run(), std::runtime_error);
}

__global__ void reverse_within_block(int* out) {
  auto& numbers = cuda::block_shared<int[64]>();
  numbers[threadIdx.x] = static_cast<int>(threadIdx.x);
  __syncthreads();
  out[threadIdx.x] = numbers[63 - threadIdx.x];
}

TEST_P(Faults, TheNextLaunchIsUnharmed) {
  fault_of(&half_skip_the_barrier, 64);
  const test::DeviceArray<int> out(64);
  cuda::launch("reverse", &reverse_within_block, {.blocks = 1, .threads = 64}, test::queue(), out.data());
  const std::vector<int> got = out.read();
  for (int i = 0; i < 64; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], 63 - i);
}

IN_EVERY_ORDER(Faults);

}  // namespace
}  // namespace isobath::emulated
