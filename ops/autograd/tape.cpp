#include "ops/autograd/tape.hpp"

#include <algorithm>
#include <utility>

namespace isobath {
namespace {

using Slots = std::vector<std::shared_ptr<GradSlot>>;

struct Node {
  const char* name;
  Work work;
  Slots inputs;
  std::shared_ptr<GradSlot> output;
  BackwardFn backward;
  std::function<Tensor()> body;  // instead of `backward`: what still has to be recorded
};

struct Tape {
  std::vector<Node> nodes;
  bool enabled = true;
  Slots* read = nullptr;  // gathers what a body that is not recorded reads
  std::function<void(const char*)> observer;
};
thread_local Tape tape;

/// Within the scope nothing is recorded, but `read` gathers the slots of what ops read.
class Unrecorded {
 public:
  explicit Unrecorded(Slots& read) : before_(std::exchange(tape.read, &read)) {}
  ~Unrecorded() { tape.read = before_; }
  Unrecorded(const Unrecorded&) = delete;
  Unrecorded& operator=(const Unrecorded&) = delete;

 private:
  NoGrad off_;
  Slots* before_;
};

void gather(std::initializer_list<const Tensor*> inputs, Slots& read) {
  for (const Tensor* input : inputs)
    if (input->grad_slot() && std::find(read.begin(), read.end(), input->grad_slot()) == read.end())
      read.push_back(input->grad_slot());
}

/// Every node holds the leaves it reads incomplete until it has run, and a body's until its nodes have.
void append(Node node, Tensor& out) {
  for (const auto& input : node.inputs)
    if (input && input->is_leaf()) input->use_recorded();
  node.output = std::make_shared<GradSlot>(out.shape(), out.dtype(), out.device());
  out.set_grad_slot(node.output);
  tape.nodes.push_back(std::move(node));
}

/// Puts the body's nodes where its own was, and the gradient at their end. They contribute to the slots that the body's
/// inputs have always had, so that sums of several contributions round as they do without recomputation.
void record_again(Node& node) {
  require(tape.enabled, "backward through ", node.name, ", which has to be recorded, while nothing is recorded");
  Tensor gradient = node.output->take();
  const WorkScope scope(node.work, Direction::Recomputed);
  const Tensor out = std::exchange(node.body, nullptr)();
  if (out.grad_slot()) out.grad_slot()->add(std::move(gradient));
}

void run(Node node) {
  if (node.output->has_gradient()) {  // an output that nothing used has none, and its inputs get nothing from it
    if (node.body) {
      record_again(node);
    } else {
      const WorkScope scope(node.work, Direction::Backward);
      const Tensor grad_out = node.output->take();
      node.backward(grad_out, InputGrads(node.inputs));
    }
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
  if (tape.read != nullptr) gather(inputs, *tape.read);
  if (!needs_grad(inputs)) return;
  Node node{name, current_work(), {}, {}, std::move(backward), {}};
  for (const Tensor* input : inputs) node.inputs.push_back(input->grad_slot());
  append(std::move(node), out);
}

Tensor recomputed(const char* name, std::function<Tensor()> body) {
  if (!tape.enabled) return body();
  Node node{name, current_work(), {}, {}, {}, {}};
  Tensor out;
  {
    const Unrecorded scope(node.inputs);
    out = body();
  }
  if (node.inputs.empty()) return out;
  node.body = std::move(body);
  append(std::move(node), out);
  return out;
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
