#pragma once
// Runs of an op, forward and backward, for laws that concern all of its results at once.

#include <utility>
#include <vector>

#include "ops/core/threads.hpp"
#include "support/grad_check.hpp"

namespace isobath::test {

/// Kernels of the calling thread use `count` threads inside the scope.
class ThreadScope {
 public:
  explicit ThreadScope(int count) : before_(kernel_threads()) { set_kernel_threads(count); }
  ~ThreadScope() { set_kernel_threads(before_); }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

/// The output of an op, then the gradient of every leaf, for random weights flowing into the output.
inline std::vector<Tensor> run_op(const OpUnderTest& op, const std::vector<Leaf>& leaves, std::uint64_t seed = 5) {
  clear_tape();
  std::vector<LeafTensor> tensors;
  std::vector<Tensor> inputs;
  for (const Leaf& leaf : leaves) inputs.push_back(tensors.emplace_back(make_leaf(leaf)).value);
  const Tensor output = op(inputs);
  backward(project({output}, random_values(output.count(), seed)));
  std::vector<Tensor> results{output};
  for (const LeafTensor& tensor : tensors) results.push_back(tensor.gradient);
  return results;
}

/// Output and gradients have equal bits with 1, 2 and 3 threads. `leaves` should be large enough to be divided.
inline void expect_thread_independent(const OpUnderTest& op, const std::vector<Leaf>& leaves) {
  std::vector<std::vector<Tensor>> runs;
  for (const int threads : {1, 2, 3}) {
    const ThreadScope scope(threads);
    runs.push_back(run_op(op, leaves));
  }
  for (std::size_t run = 1; run < runs.size(); ++run)
    for (std::size_t i = 0; i < runs[0].size(); ++i)
      EXPECT_TRUE(same_bits(runs[run][i], runs[0][i])) << "result " << i << " with " << run + 1 << " threads";
}

/// On the meta device the op yields `expected` and passes gradients on, although no kernel runs.
inline void expect_meta(const OpUnderTest& op, const std::vector<Shape>& shapes, const Shape& expected) {
  clear_tape();
  std::vector<Tensor> inputs;
  for (const Shape& shape : shapes) {
    inputs.push_back(Tensor::empty(shape, DType::F32, Device::meta()));
    inputs.back().set_grad_slot(std::make_shared<GradSlot>(Tensor::empty(shape, DType::F32, Device::meta())));
  }
  const Tensor output = op(inputs);
  EXPECT_EQ(output.shape(), expected);
  EXPECT_TRUE(output.device().is_meta());
  Tensor loss = Tensor::empty(Shape{1}, DType::F32, Device::meta());
  record("end", {&output}, loss, [output](const Tensor&, const InputGrads& grads) {
    grads.add(0, Tensor::empty(output.shape(), output.dtype(), Device::meta()));
  });
  backward(loss);
  for (std::size_t i = 0; i < inputs.size(); ++i) EXPECT_TRUE(inputs[i].grad_slot()->has_gradient()) << "input " << i;
}

/// <A x, y> = <x, A^T y> for an op that is linear in its one leaf. Both sides round every one of their terms a few
/// times; what is left scales with the size of the terms.
inline void expect_adjoint(const OpUnderTest& op, const Leaf& leaf, double roundings = 4.0) {
  constexpr std::uint64_t kSeed = 23;
  const std::vector<Tensor> results = run_op(op, {leaf}, kSeed);
  const std::vector<double> output = to_doubles(results[0]), x = to_doubles(leaf.values);
  const std::vector<double> y = to_doubles(random_values(results[0].count(), kSeed));
  const double bound = roundings * kEpsilon * (norm(output) * norm(y) + norm(x) * norm(to_doubles(results[1])));
  EXPECT_TRUE(close({dot(output, y)}, {dot(x, to_doubles(results[1]))}, {bound, 0.0}));
}

}  // namespace isobath::test
