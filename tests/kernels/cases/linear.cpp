// What linear does besides its matrix products, which are cuBLASLt's and not counted: the products here are eight
// columns deep.

#include "ops/linear/linear.hpp"

#include "kernels/cases/case.hpp"

namespace isobath::traffic {
namespace {

constexpr std::int64_t kDepth = 8;
constexpr double kHiddenElements = kRows * kHidden;

template <class T>
void add_cases(std::vector<Case>& cases) {
  const char* const type = name_of(dtype_of<T>);
  const Tensor x = zeros<T>(Shape{kRows, kDepth}), weight = zeros<T>(Shape{kHidden, kDepth}),
               y = zeros<T>(Shape{kRows, kHidden}), slope = zeros<T>(Shape{kRows, kHidden}),
               sums = zeros<float>(Shape{kRows, kHidden}), bias = zeros<float>(Shape{kHidden}),
               grad_bias = zeros<float>(Shape{kHidden});
  cases.push_back({"linear: bias and gelu", type, Least().rows(sums, y, slope).others(bias), kMoreRows,
                   31 * kHiddenElements, [=](CudaQueue queue) {
                     kernel::linear<T, T>(queue, in<T>(x), in<T>(weight), in<float>(bias), Activation::Gelu, out<T>(y),
                                          out<T>(slope));
                   }});
  cases.push_back({"linear backward: slope and bias", type, Least().rows(y, slope, slope).others(grad_bias), kMoreRows,
                   2 * kHiddenElements, [=](CudaQueue queue) {
                     kernel::linear_backward<T, T>(queue, in<T>(y), {out<T>(slope), true}, in<T>(x), in<T>(weight),
                                                   {{}, {}, {out<float>(grad_bias)}});
                   }});
  cases.push_back(
      {"linear backward: bias", type, Least().rows(y).others(grad_bias), kMoreRows, kHiddenElements,
       [=](CudaQueue queue) {
         kernel::linear_backward<T, T>(queue, in<T>(y), {}, in<T>(x), in<T>(weight), {{}, {}, {out<float>(grad_bias)}});
       }});
  const Tensor rows = zeros<T>(Shape{kRows, kChannels}), one = zeros<T>(Shape{1, kChannels}),
               score = zeros<float>(Shape{kRows, 1}), offset = zeros<float>(Shape{1});
  cases.push_back({"linear: one output", type, Least().rows(rows, score).others(one, offset), kMoreRows,
                   2.0 * kRows * kChannels, [=](CudaQueue queue) {
                     kernel::linear<T, float>(queue, in<T>(rows), in<T>(one), in<float>(offset), Activation::None,
                                              out<float>(score), View<T>{});
                   }});
}

}  // namespace

std::vector<Case> linear_cases() {
  std::vector<Case> cases;
  add_cases<float>(cases);
  add_cases<bfloat16>(cases);
  return cases;
}

}  // namespace isobath::traffic
