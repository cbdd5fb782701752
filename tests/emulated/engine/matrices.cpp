// mma.m16n8k16 of bf16 with f32 sums, from the fragments of 32 lanes (PTX ISA, "Matrix Fragments for mma.m16n8k16 with
// floating point type").

#include "tests/emulated/engine/matrices.hpp"

#include <bit>

#include "tests/emulated/engine/block.hpp"

namespace isobath::emulated {
namespace {

constexpr int kRows = 16, kColumns = 8, kDepth = 16, kLanes = 32;

// Element `half` of a pair.
float element(std::uint32_t pair, int half) {
  return std::bit_cast<float>(half == 0 ? pair << 16 : pair & 0xffff0000U);
}

// Element i = 0 .. 7 of a left fragment: row g for i = 0, 1, 4, 5, row g + 8 for the others; column 2t + i % 2, and 8
// more from i = 4 on.
void take_left(const MatrixParts* const (&lanes)[kLanes], float (&left)[kRows][kDepth]) {
  for (int lane = 0; lane < kLanes; ++lane)
    for (int i = 0; i < 8; ++i) {
      const int row = lane / 4 + (i / 2 % 2 == 0 ? 0 : 8), column = lane % 4 * 2 + i % 2 + (i < 4 ? 0 : 8);
      left[row][column] = element(lanes[lane]->left[i / 2], i % 2);
    }
}

// Element i = 0 .. 3 of a right fragment: row 2t + i % 2, and 8 more from i = 2 on; column g.
void take_right(const MatrixParts* const (&lanes)[kLanes], int product, float (&right)[kDepth][kColumns]) {
  for (int lane = 0; lane < kLanes; ++lane)
    for (int i = 0; i < 4; ++i)
      right[lane % 4 * 2 + i % 2 + (i < 2 ? 0 : 8)][lane / 4] = element(lanes[lane]->right[2 * product + i / 2], i % 2);
}

// Element i = 0 .. 3 of a fragment of sums: row g for i < 2, else g + 8; column 2t + i % 2.
template <class Body>
void for_each_sum(const MatrixParts* const (&lanes)[kLanes], int product, Body&& body) {
  for (int lane = 0; lane < kLanes; ++lane)
    for (int i = 0; i < 4; ++i)
      body(lanes[lane]->sums[4 * product + i], lane / 4 + (i < 2 ? 0 : 8), lane % 4 * 2 + i % 2);
}

}  // namespace

void multiply(const MatrixParts* const (&lanes)[kLanes]) {
  float left[kRows][kDepth], right[kDepth][kColumns], sums[kRows][kColumns];
  take_left(lanes, left);
  for (int product = 0; product < lanes[0]->count; ++product) {
    take_right(lanes, product, right);
    for_each_sum(lanes, product, [&](float& sum, int row, int column) { sums[row][column] = sum; });
    for (int row = 0; row < kRows; ++row)
      for (int k = 0; k < kDepth; ++k)
        for (int column = 0; column < kColumns; ++column) sums[row][column] += left[row][k] * right[k][column];
    for_each_sum(lanes, product, [&](float& sum, int row, int column) { sum = sums[row][column]; });
  }
}

void meet_for_products(const MatrixParts& parts, Where where) {
  Engine::current().meet_warp({WarpOp::Products, 0xffffffffU, 0, 0, &parts}, where);
}

}  // namespace isobath::emulated
