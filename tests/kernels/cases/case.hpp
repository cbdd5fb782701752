#pragma once
// One op with the rows of GPT-2 124M, as wide as there and fewer: what it has to move, and what runs it.

#include <functional>
#include <string>
#include <vector>

#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath::traffic {

// GPT-2 124M, and a step of 8 sequences of 1024 tokens, for which times are estimated. Cases have two of 128.
inline constexpr std::int64_t kChannels = 768, kHidden = 3072, kHeads = 12, kHeadWidth = 64, kVocabulary = 50257;
inline constexpr std::int64_t kStepSequences = 8, kStepLength = 1024, kStepRows = kStepSequences * kStepLength;
inline constexpr std::int64_t kParameters = 124'439'808;
inline constexpr std::int64_t kSequences = 2, kLength = 128, kRows = kSequences * kLength;

/// What an op has to move at least: each input once, each output once. Bytes.
struct Least {
  double of_rows = 0.0;    ///< grows with the number of rows
  double of_others = 0.0;  ///< gains, tables: does not

  template <class... Tensors>
  Least rows(const Tensors&... tensors) const {
    return {of_rows + (static_cast<double>(tensors.bytes()) + ...), of_others};
  }
  template <class... Tensors>
  Least others(const Tensors&... tensors) const {
    return {of_rows, of_others + (static_cast<double>(tensors.bytes()) + ...)};
  }
};

struct Case {
  std::string op;
  std::string type;  ///< of the numbers that the op computes with under system.dtype
  Least least;
  double more_rows;  ///< rows of the step over those here
  double flops;      ///< additions and multiplications, about, here
  std::function<void(CudaQueue)> run;
  std::string why = {};  ///< it moves more than kAllowance times the least; empty when it does not
};
inline constexpr double kAllowance = 1.15;
inline constexpr double kMoreRows = static_cast<double>(kStepRows) / kRows;

std::vector<Case> element_cases();
std::vector<Case> row_cases();
std::vector<Case> norm_cases();
std::vector<Case> linear_cases();
std::vector<Case> loss_cases();
std::vector<Case> update_cases();
std::vector<Case> attention_cases();

inline const Device kDevice = Device::cuda(0);

/// Zeros: what kernels move does not depend on the numbers.
template <class T>
Tensor zeros(const Shape& shape) {
  return Tensor::zeros(shape, dtype_of<T>, kDevice);
}
template <class T>
Tensor indices(const std::vector<T>& values) {
  return Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, values, kDevice);
}
template <class T>
View<const T> in(const Tensor& tensor) {
  return tensor.view<const T>();
}
template <class T>
View<T> out(const Tensor& tensor) {
  return tensor.view<T>();
}

}  // namespace isobath::traffic
