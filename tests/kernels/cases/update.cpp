#include "kernels/cases/case.hpp"
#include "ops/adamw/adamw.hpp"
#include "ops/sum/sum.hpp"
#include "ops/sum/sum_partial.hpp"
#include "ops/sum_of_squares/sum_of_squares.hpp"

namespace isobath::traffic {
namespace {

constexpr std::int64_t kUpdated = 1 << 17;  // parameters
constexpr double kMoreParameters = static_cast<double>(kParameters) / kUpdated;

}  // namespace

std::vector<Case> update_cases() {
  const auto flat = [] { return zeros<float>(Shape{kUpdated}); };
  const Tensor weights = flat(), gradients = flat(), first = flat(), second = flat(),
               control = Tensor::from(Shape{kAdamWControls}, std::vector<double>{1e-3, 1.0, 5.0, 1.0}, kDevice),
               partial = kernel::partial_sums(kUpdated, kDevice), total = zeros<double>(Shape{1}),
               sum = zeros<float>(Shape{1}), unit = zeros<float>(Shape{1});
  std::vector<Case> cases;
  cases.push_back(
      {"adamw", "f32", Least().rows(weights, gradients, first, second, weights, first, second).others(control),
       kMoreParameters, 14.0 * kUpdated, [=](CudaQueue queue) {
         const AdamWRange ranges[] = {{0, kUpdated / 2, 0.1F}, {kUpdated / 2, kUpdated}};
         kernel::adamw(queue, {out<float>(weights), in<float>(gradients), out<float>(first), out<float>(second)},
                       ranges, {}, in<double>(control));
       }});
  cases.push_back({"sum_of_squares", "f32", Least().rows(gradients).others(total), kMoreParameters, 2.0 * kUpdated,
                   [=](CudaQueue queue) {
                     kernel::sum_of_squares(queue, in<float>(gradients), out<double>(partial), out<double>(total),
                                            Accumulate::Overwrite);
                   }});
  cases.push_back(
      {"sum", "f32", Least().rows(gradients).others(unit, sum), kMoreParameters, 1.0 * kUpdated, [=](CudaQueue queue) {
         kernel::sum(queue, in<float>(gradients), 1.0F, in<float>(unit), out<double>(partial), out<float>(sum));
       }});
  return cases;
}

}  // namespace isobath::traffic
