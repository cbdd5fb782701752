#pragma once
// The tape: ops append themselves while they run forward; backward walks it once from the end. One tape per thread.
// A node is freed as soon as it has run, and with it the tensors it saved.

#include <functional>
#include <memory>
#include <vector>

#include "ops/autograd/grad_slot.hpp"
#include "ops/core/ledger.hpp"

namespace isobath {

/// The gradients of a node's inputs, by position in the list given to record().
class InputGrads {
 public:
  explicit InputGrads(const std::vector<std::shared_ptr<GradSlot>>& slots) : slots_(slots) {}
  /// Whether anybody wants the gradient of input `index`; computing it otherwise is waste.
  bool wants(std::size_t index) const { return slots_[index] != nullptr; }
  /// Only if wants(index).
  GradTarget target(std::size_t index) const { return slots_[index]->target(); }
  void add(std::size_t index, Tensor contribution) const {
    if (wants(index)) slots_[index]->add(std::move(contribution));
  }

 private:
  const std::vector<std::shared_ptr<GradSlot>>& slots_;
};

/// Computes the gradients of the inputs from that of the output. Owns what forward saved.
using BackwardFn = std::function<void(const Tensor& grad_out, const InputGrads& inputs)>;

/// Whether an op over these inputs has to be recorded; when not, it need not save anything.
bool needs_grad(std::initializer_list<const Tensor*> inputs);

/// Appends a node and makes `out` part of the graph. Does nothing unless needs_grad(inputs). `name` is a literal.
void record(const char* name, std::initializer_list<const Tensor*> inputs, Tensor& out, BackwardFn backward);

/// What `body` returns, by a forward pass that is not recorded: its tensors go at once. When backward comes to the
/// result, the body runs again, recorded, and backward goes on through it; its FLOPs then count as recomputed. The body
/// owns its inputs and gives the same bits both times. Gradients and the moments at which parameters are complete are
/// those of calling it: contributions keep their order. `name` is a literal. Needs no recording of its own: without
/// one, it is a call.
Tensor recomputed(const char* name, std::function<Tensor()> body);

/// Runs the thread's tape backward from the scalar `loss` with gradient 1 and empties it. The gradients of leaves stay
/// in their slots.
void backward(const Tensor& loss);

/// Forgets what was recorded on this thread (after an exception).
void clear_tape();
/// Nodes recorded and not yet run.
std::size_t tape_size();

/// Called after each node has run backward, with its name; for the event ring and for profiles. Empty to remove.
void set_tape_observer(std::function<void(const char* name)> observer);

/// Nothing is recorded inside the scope.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

}  // namespace isobath
