#include "ops/autograd/tape.hpp"

#include <utility>

namespace isobath {
namespace {

struct Node {
  const char* name;
  Work work;
  std::vector<std::shared_ptr<GradSlot>> inputs;
  std::shared_ptr<GradSlot> output;
  BackwardFn backward;
};

struct Tape {
  std::vector<Node> nodes;
  bool enabled = true;
  std::function<void(const char*)> observer;
};
thread_local Tape tape;

void run(Node node) {
  if (node.output->has_gradient()) {  // an output that nothing used has none, and its inputs get nothing from it
    const WorkScope scope(node.work, Direction::Backward);
    const Tensor grad_out = node.output->take();
    node.backward(grad_out, InputGrads(node.inputs));
  }
  node.backward = nullptr;
  for (const auto& input : node.inputs)
    if (input && input->is_leaf()) input->use_finished();
  if (tape.observer) tape.observer(node.name);
}

Tensor one_like(const Tensor& loss) {
  Tensor one = Tensor::empty(loss.shape(), DType::F32, loss.device());
  if (loss.device().is_meta()) return one;
  const float value = 1.0F;
  return Tensor::from(loss.shape(), std::span<const float>(&value, 1), loss.device());
}

}  // namespace

bool needs_grad(std::initializer_list<const Tensor*> inputs) {
  if (!tape.enabled) return false;
  for (const Tensor* input : inputs)
    if (input->grad_slot()) return true;
  return false;
}

void record(const char* name, std::initializer_list<const Tensor*> inputs, Tensor& out, BackwardFn backward) {
  if (!needs_grad(inputs)) return;
  Node node{name,
            current_work(),
            {},
            std::make_shared<GradSlot>(out.shape(), out.dtype(), out.device()),
            std::move(backward)};
  for (const Tensor* input : inputs) {
    node.inputs.push_back(input->grad_slot());
    if (input->grad_slot() && input->grad_slot()->is_leaf()) input->grad_slot()->use_recorded();
  }
  out.set_grad_slot(node.output);
  tape.nodes.push_back(std::move(node));
}

void backward(const Tensor& loss) {
  require(loss.count() == 1 && loss.dtype() == DType::F32, "backward from a tensor of shape ", loss.shape());
  require(loss.grad_slot() != nullptr, "backward from a tensor that depends on no parameter");
  loss.grad_slot()->add(one_like(loss));
  while (!tape.nodes.empty()) {
    Node node = std::move(tape.nodes.back());
    tape.nodes.pop_back();
    run(std::move(node));
  }
}

void clear_tape() { tape.nodes.clear(); }
std::size_t tape_size() { return tape.nodes.size(); }
void set_tape_observer(std::function<void(const char*)> observer) { tape.observer = std::move(observer); }

NoGrad::NoGrad() : before_(std::exchange(tape.enabled, false)) {}
NoGrad::~NoGrad() { tape.enabled = before_; }

}  // namespace isobath
