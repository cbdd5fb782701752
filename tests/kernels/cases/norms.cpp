#include "kernels/cases/case.hpp"
#include "ops/layer_norm/layer_norm.hpp"
#include "ops/rms_norm/rms_norm.hpp"

namespace isobath::traffic {
namespace {

constexpr double kElements = kRows * kChannels;
constexpr const char* kTwice =
    "x and the incoming gradient are read by rows for the gradient of x, and again by columns for those of gain and "
    "shift; the second time L2 still holds a part of them";

// The residual stream is f32; what a matrix product reads is Out.
template <class Out>
void add_cases(std::vector<Case>& cases) {
  const char* const type = name_of(dtype_of<Out>);
  const auto per_row = [] { return zeros<float>(Shape{kRows}); };
  const auto per_column = [] { return zeros<float>(Shape{kChannels}); };
  const Tensor x = zeros<float>(Shape{kRows, kChannels}), y = zeros<Out>(Shape{kRows, kChannels}),
               grad_x = zeros<float>(Shape{kRows, kChannels}), mean = per_row(), rstd = per_row(), gain = per_column(),
               shift = per_column(), grad_gain = per_column(), grad_shift = per_column(),
               partial = zeros<float>(Shape{2 * layer_norm_blocks(kRows), kChannels});
  cases.push_back({"layer_norm", type, Least().rows(x, y, mean, rstd).others(gain, shift), kMoreRows, 8 * kElements,
                   [=](CudaQueue queue) {
                     kernel::layer_norm<float, Out>(queue, in<float>(x), in<float>(gain), in<float>(shift), out<Out>(y),
                                                    out<float>(mean), out<float>(rstd));
                   }});
  cases.push_back(
      {"layer_norm backward", type, Least().rows(x, y, grad_x, mean, rstd).others(gain, grad_gain, grad_shift),
       kMoreRows, 15 * kElements,
       [=](CudaQueue queue) {
         kernel::layer_norm_backward<float, Out>(
             queue, in<Out>(y), in<float>(x), in<float>(gain), in<float>(mean), in<float>(rstd), out<float>(partial),
             {{out<float>(grad_x)}, {out<float>(grad_gain)}, {out<float>(grad_shift)}});
       },
       kTwice});
  cases.push_back(
      {"rms_norm", type, Least().rows(x, y, rstd).others(gain), kMoreRows, 5 * kElements, [=](CudaQueue queue) {
         kernel::rms_norm<float, Out>(queue, in<float>(x), in<float>(gain), out<Out>(y), out<float>(rstd));
       }});
  cases.push_back(
      {"rms_norm backward", type, Least().rows(x, y, grad_x, rstd).others(gain, grad_gain), kMoreRows, 11 * kElements,
       [=](CudaQueue queue) {
         kernel::rms_norm_backward<float, Out>(queue, in<Out>(y), in<float>(x), in<float>(gain), in<float>(rstd),
                                               out<float>(partial), {{out<float>(grad_x)}, {out<float>(grad_gain)}});
       },
       kTwice});
}

}  // namespace

std::vector<Case> norm_cases() {
  std::vector<Case> cases;
  add_cases<float>(cases);
  add_cases<bfloat16>(cases);
  return cases;
}

}  // namespace isobath::traffic
