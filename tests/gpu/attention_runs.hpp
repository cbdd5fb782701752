#pragma once
// Attention problems (tests/attention/problem.hpp) on any device and in any type.

#include <utility>

#include "attention/problem.hpp"
#include "gpu/devices.hpp"
#include "ops/autograd/tape.hpp"

namespace isobath::test {

inline RowSet moved_to(Device device, const RowSet& rows) {
  if (rows.is_all()) return rows;
  return RowSet::from_rows(rows.rows().to_vector<std::int32_t>(), rows.batch(), rows.length(), device);
}

/// The problem with its values rounded to T.
template <class T>
Problem rounded_problem(Problem problem) {
  for (std::vector<float>* values : {&problem.q, &problem.k, &problem.v, &problem.grad_out})
    for (float& value : *values) value = static_cast<float>(static_cast<T>(value));
  return problem;
}

enum class Gradient { Wanted, Unwanted };

/// Which inputs have a gradient.
struct Gradients {
  Gradient q = Gradient::Wanted, k = Gradient::Wanted, v = Gradient::Wanted;
};

/// Where tensors begin in their storage, how often the op is used, who is to compute it, and what for.
struct RunForm {
  std::int64_t offset = 0;
  int uses = 1;
  AttentionBy by = AttentionBy::Own;
  Gradients gradients = {};
  int alone = -1;  // the one that begins an element later: 0 q, 1 its gradient, 2 k, 3 its, 4 v, 5 its, 6 grad_out
};
inline constexpr int kPlaced = 7;

/// The op forward and backward with inputs in T; gradients begin as NaN, and gather what all uses contribute;
/// those that nobody wants stay NaN.
template <class T>
Result run_on(Device device, const Problem& problem, RunForm form = {}) {
  clear_tape();
  auto tensor = [&, made = 0](const Shape& shape, const std::vector<float>& values) mutable {
    return shifted(shape, rounded<T>(values), form.offset + (made++ == form.alone ? 1 : 0), device);
  };
  const auto leaf = [&](const Shape& shape, const std::vector<float>& values, Gradient its) {
    Tensor value = tensor(shape, values);
    const Tensor gradient = tensor(shape, std::vector<float>(values.size(), std::numeric_limits<float>::quiet_NaN()));
    if (its == Gradient::Wanted) value.set_grad_slot(std::make_shared<GradSlot>(gradient));
    return std::pair(value, gradient);
  };
  const auto [q, grad_q] = leaf(problem.query_shape(), problem.q, form.gradients.q);
  const auto [k, grad_k] = leaf(problem.key_shape(), problem.k, form.gradients.k);
  const auto [v, grad_v] = leaf(problem.key_shape(), problem.v, form.gradients.v);
  const Tensor grad_out = tensor(problem.query_shape(), problem.grad_out);
  const RowSet queries = moved_to(device, problem.queries), keys = moved_to(device, problem.keys);
  Tensor out;
  for (int use = 0; use < form.uses; ++use) {
    out = attention(q, k, v, queries, keys, problem.heads, Mask::Causal, form.by);
    Tensor end = Tensor::empty(Shape{1}, DType::F32, device);
    record("end", {&out}, end, [&](const Tensor&, const InputGrads& inputs) { inputs.add(0, grad_out); });
    backward(end);
  }
  return {out, grad_q, grad_k, grad_v};
}

}  // namespace isobath::test
