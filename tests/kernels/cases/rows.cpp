#include "kernels/cases/case.hpp"
#include "ops/gather_rows/gather_rows.hpp"
#include "ops/rope/rope.hpp"
#include "ops/scale_rows/scale_rows.hpp"
#include "ops/scatter_add_rows/scatter_add_rows.hpp"
#include "ops/top_k/top_k.hpp"

namespace isobath::traffic {
namespace {

constexpr std::int64_t kKept = kRows / 8;  // capacity 0.125
constexpr std::int64_t kWords = 256;       // of the vocabulary, whose embeddings get gradients here
constexpr double kElements = kRows * kChannels, kKeptElements = kKept * kChannels;

std::vector<std::int32_t> kept_rows() {
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 0; i < kKept; ++i) rows.push_back(8 * i + i % 8);
  return rows;
}

// The tokens of a whole step, about as often each as those of a text whose words are all equally frequent.
std::vector<std::int32_t> step_tokens() {
  std::vector<std::int32_t> tokens;
  for (std::int64_t i = 0; i < kStepRows; ++i) tokens.push_back(static_cast<std::int32_t>(i * 7919 % kVocabulary));
  return tokens;
}

std::vector<Case> routed_cases() {
  const Tensor whole = zeros<float>(Shape{kRows, kChannels}), other = zeros<float>(Shape{kRows, kChannels}),
               kept = zeros<float>(Shape{kKept, kChannels}), more = zeros<float>(Shape{kKept, kChannels}),
               rows = indices(kept_rows()), gates = zeros<float>(Shape{kKept}), grad_gates = zeros<float>(Shape{kKept});
  const auto list = [rows] { return in<std::int32_t>(rows); };
  std::vector<Case> cases;
  cases.push_back({"gather_rows", "f32", Least().rows(kept, kept, rows), kMoreRows, 0.0, [=](CudaQueue queue) {
                     kernel::gather_rows<float>(queue, in<float>(whole), list(), out<float>(kept));
                   }});
  cases.push_back(
      {"gather_rows backward", "f32", Least().rows(kept, rows, whole), kMoreRows, 0.0, [=](CudaQueue queue) {
         kernel::gather_rows_backward<float>(queue, in<float>(kept), list(), RowOrder::Ascending, Accumulate::Overwrite,
                                             out<float>(whole));
       }});
  cases.push_back({"gather_rows backward, added", "f32", Least().rows(kept, kept, kept, rows), kMoreRows, kKeptElements,
                   [=](CudaQueue queue) {
                     kernel::gather_rows_backward<float>(queue, in<float>(kept), list(), RowOrder::Ascending,
                                                         Accumulate::Add, out<float>(whole));
                   }});
  cases.push_back({"scatter_add_rows", "f32", Least().rows(whole, kept, rows, other), kMoreRows, kKeptElements,
                   [=](CudaQueue queue) {
                     kernel::scatter_add_rows<float>(queue, in<float>(whole), in<float>(kept), list(),
                                                     out<float>(other));
                   }});
  cases.push_back({"scatter_add_rows backward, added", "f32", Least().rows(kept, rows, more, more), kMoreRows,
                   kKeptElements, [=](CudaQueue queue) {
                     kernel::scatter_add_rows_backward<float>(queue, in<float>(whole), list(), Accumulate::Add,
                                                              out<float>(more));
                   }});
  cases.push_back(
      {"scale_rows", "f32", Least().rows(kept, gates, more), kMoreRows, kKeptElements, [=](CudaQueue queue) {
         kernel::scale_rows<float>(queue, in<float>(kept), in<float>(gates), out<float>(more));
       }});
  const Tensor grad = zeros<float>(Shape{kKept, kChannels});
  cases.push_back({"scale_rows backward", "f32", Least().rows(kept, grad, gates, more, grad_gates), kMoreRows,
                   3 * kKeptElements, [=](CudaQueue queue) {
                     kernel::scale_rows_backward<float>(queue, in<float>(grad), in<float>(kept), in<float>(gates),
                                                        {out<float>(more)}, {out<float>(grad_gates)});
                   }});
  return cases;
}

Case embedding_case() {
  const std::vector<std::int32_t> tokens = step_tokens();
  std::int64_t found = 0;
  for (const std::int32_t token : tokens) found += token < kWords;
  const Tensor list = indices(tokens), grad_out = zeros<float>(Shape{kStepRows, kChannels}),
               grad_x = zeros<float>(Shape{kWords, kChannels}), read = grad_out.slice(0, Shape{found, kChannels});
  return {"embedding backward",
          "f32",
          Least().rows(grad_x, read).others(list),
          static_cast<double>(kVocabulary) / kWords,
          static_cast<double>(found * kChannels),
          [=](CudaQueue queue) {
            kernel::gather_rows_backward<float>(queue, in<float>(grad_out), in<std::int32_t>(list), RowOrder::Any,
                                                Accumulate::Overwrite, out<float>(grad_x));
          }};
}

Case top_k_case() {
  std::vector<float> scores;
  for (std::int64_t i = 0; i < kSequences * kStepLength; ++i) scores.push_back(static_cast<float>(i * 7919 % 1009));
  const std::int64_t k = kStepLength / 8;
  const Tensor from = indices(scores), rows = zeros<std::int32_t>(Shape{kSequences * k}),
               positions = zeros<std::int32_t>(Shape{kSequences * k}),
               offsets = zeros<std::int32_t>(Shape{kSequences + 1});
  return {"top_k",
          "f32",
          Least().rows(from, rows, positions, offsets),
          static_cast<double>(kStepSequences) / kSequences,
          8.0 * kSequences * kStepLength,
          [=](CudaQueue queue) {
            kernel::top_k(queue, in<float>(from), kStepLength, k, out<std::int32_t>(rows), out<std::int32_t>(offsets),
                          out<std::int32_t>(positions));
          }};
}

template <class T>
Case rope_case() {
  const Tensor x = zeros<T>(Shape{kRows, kChannels}), y = zeros<T>(Shape{kRows, kChannels}),
               table = zeros<float>(Shape{kLength, kHeadWidth});
  return {
      "rope", name_of(dtype_of<T>), Least().rows(x, y).others(table), kMoreRows, 3 * kElements, [=](CudaQueue queue) {
        kernel::rope<T>(queue, in<T>(x), in<float>(table), {{}, kLength}, kernel::Turn::Forth, Accumulate::Overwrite,
                        out<T>(y));
      }};
}

}  // namespace

std::vector<Case> row_cases() {
  std::vector<Case> cases = routed_cases();
  cases.push_back(embedding_case());
  cases.push_back(top_k_case());
  cases.push_back(rope_case<float>());
  cases.push_back(rope_case<bfloat16>());
  return cases;
}

}  // namespace isobath::traffic
