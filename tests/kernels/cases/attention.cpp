// Attention is no memory-bound op; its row shows how far it is from one. One head of one sequence, as long as the
// step's.

#include "ops/attention/attention.hpp"

#include "kernels/cases/case.hpp"

namespace isobath::traffic {
namespace {

constexpr double kMoreHeads = kStepSequences * kHeads;
constexpr double kFlopsOfAProduct = 2.0 * kHeadWidth * kStepLength * (kStepLength + 1) / 2;  // over visible pairs

template <class T>
void add_cases(std::vector<Case>& cases) {
  const char* const type = name_of(dtype_of<T>);
  const auto rows = [] { return zeros<T>(Shape{kStepLength, kHeadWidth}); };
  const Tensor q = rows(), k = rows(), v = rows(), y = rows(), grad = rows(), grad_q = rows(), grad_k = rows(),
               grad_v = rows(), log2_sum = zeros<float>(Shape{1, kStepLength});
  const auto inputs = [=] {
    const kernel::SequenceRows all{nullptr, nullptr, 1, kStepLength};
    return kernel::AttentionInputs<T>{in<T>(q), in<T>(k), in<T>(v), all, all, 1};
  };
  cases.push_back({"attention", type, Least().rows(q, k, v, y, log2_sum), kMoreHeads, 2 * kFlopsOfAProduct,
                   [=](CudaQueue queue) { kernel::attention<T>(queue, inputs(), out<T>(y), out<float>(log2_sum)); }});
  cases.push_back({"attention backward", type, Least().rows(q, k, v, y, grad, log2_sum, grad_q, grad_k, grad_v),
                   kMoreHeads, 7 * kFlopsOfAProduct,
                   [=](CudaQueue queue) {
                     kernel::attention_backward<T>(queue, inputs(), in<T>(y), in<float>(log2_sum), in<T>(grad),
                                                   {{out<T>(grad_q)}, {out<T>(grad_k)}, {out<T>(grad_v)}});
                   },
                   "two kernels read all operands, one for its queries and one for its keys; arithmetic bounds both"});
}

}  // namespace

std::vector<Case> attention_cases() {
  std::vector<Case> cases;
  add_cases<float>(cases);
  add_cases<bfloat16>(cases);
  return cases;
}

}  // namespace isobath::traffic
