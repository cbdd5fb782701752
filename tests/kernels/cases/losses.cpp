#include "kernels/cases/case.hpp"
#include "ops/bce_with_logits/bce_with_logits.hpp"
#include "ops/cross_entropy/cross_entropy.hpp"
#include "ops/sum/sum_partial.hpp"

namespace isobath::traffic {
namespace {

constexpr std::int64_t kScored = 8;  // rows of the whole vocabulary
constexpr double kMoreScored = static_cast<double>(kStepRows) / kScored;
constexpr double kLogits = kScored * kVocabulary;

}  // namespace

std::vector<Case> loss_cases() {
  const auto logits = zeros<float>(Shape{kScored, kVocabulary}), losses = zeros<float>(Shape{kScored}),
             unit = Tensor::from(Shape{1}, std::vector<float>{0.5F}, kDevice),
             all_losses = zeros<float>(Shape{kStepRows}), total = zeros<float>(Shape{1});
  const Tensor targets = indices<std::int32_t>({3, 50000, 17, 0, 50256, 4096, 12345, 777});
  std::vector<Case> cases;
  cases.push_back(
      {"cross_entropy", "f32", Least().rows(logits, targets, losses), kMoreScored, 10 * kLogits, [=](CudaQueue queue) {
         kernel::cross_entropy(queue, in<float>(logits), in<std::int32_t>(targets), out<float>(losses));
       }});
  cases.push_back({"cross_entropy with its gradient", "f32", Least().rows(logits, logits, targets, losses).others(unit),
                   kMoreScored, 20 * kLogits, [=](CudaQueue queue) {
                     kernel::cross_entropy_in_place(queue, out<float>(logits), in<std::int32_t>(targets),
                                                    in<float>(unit), out<float>(losses));
                   }});
  cases.push_back({"cross_entropy: total", "f32", Least().rows(all_losses).others(unit, total), 1.0,
                   static_cast<double>(kStepRows), [=](CudaQueue queue) {
                     kernel::cross_entropy_total(queue, in<float>(all_losses), in<float>(unit), out<float>(total));
                   }});
  cases.push_back(
      {"cross_entropy backward, scaled", "f32", Least().rows(logits, logits).others(unit), kMoreScored, kLogits,
       [=](CudaQueue queue) { kernel::cross_entropy_backward(queue, out<float>(logits), in<float>(unit)); }});
  const Tensor gates = zeros<float>(Shape{kStepRows}), grad = zeros<float>(Shape{kStepRows}),
               partial = kernel::partial_sums(kStepRows, kDevice);
  cases.push_back(
      {"bce_with_logits", "f32", Least().rows(gates).others(unit, total), 1.0, 20.0 * kStepRows, [=](CudaQueue queue) {
         kernel::bce_with_logits(queue, in<float>(gates), {{}, kernel::Targets::Kind::All}, 1.0F, in<float>(unit),
                                 out<double>(partial), out<float>(total));
       }});
  cases.push_back({"bce_with_logits backward", "f32", Least().rows(gates, grad).others(unit, total), 1.0,
                   20.0 * kStepRows, [=](CudaQueue queue) {
                     kernel::bce_with_logits_backward(queue, in<float>(total), in<float>(gates),
                                                      {{}, kernel::Targets::Kind::All}, 1.0F, in<float>(unit),
                                                      Accumulate::Overwrite, out<float>(grad));
                   }});
  return cases;
}

}  // namespace isobath::traffic
