#pragma once
// An op, forward and backward through the tape, on tensors that lie where a test wants them.

#include <functional>
#include <limits>

#include "gpu/devices.hpp"
#include "ops/autograd/tape.hpp"
#include "ops/core/host_waits.hpp"

namespace isobath::test {

/// An input that is to have a gradient; its values are rounded to `dtype`.
struct Input {
  Shape shape;
  std::vector<float> values;
  DType dtype = DType::F32;
};

inline Input random_input(const Shape& shape, std::uint64_t seed, DType dtype, float scale = 1.0F) {
  return {shape, random_values(shape.count(), seed, scale), dtype};
}

/// Where tensors begin, in elements after an address of 16 bytes, and what happens to gradients, which begin as
/// kBefore where they are added to, and as NaN where they are overwritten.
struct Placement {
  Device device;
  std::int64_t offset = 0;
  Accumulate mode = Accumulate::Overwrite;
};
inline constexpr float kBefore = 0.5F;
inline double before(const Placement& where) { return where.mode == Accumulate::Add ? kBefore : 0.0; }

inline std::ostream& operator<<(std::ostream& out, const Placement& where) {
  return out << "offset " << where.offset << (where.mode == Accumulate::Add ? ", add" : ", overwrite");
}

/// body(placement) for aligned and unaligned tensors, overwritten and added to.
template <class Body>
void in_every_placement(Device device, Body&& body) {
  for (const std::int64_t offset : {0, 1})
    for (const Accumulate mode : {Accumulate::Overwrite, Accumulate::Add}) body(Placement{device, offset, mode});
}

inline std::vector<float> rounded_to(DType dtype, std::vector<float> values) {
  if (dtype == DType::BF16)
    for (float& value : values) value = static_cast<float>(bfloat16(value));
  return values;
}

inline Tensor place(const Shape& shape, const std::vector<float>& values, DType dtype, const Placement& where) {
  if (dtype == DType::BF16) return shifted(shape, rounded<bfloat16>(values), where.offset, where.device);
  return shifted(shape, values, where.offset, where.device);
}

inline std::vector<float> to_floats(const Tensor& tensor) {
  const std::vector<double> values = to_doubles(tensor);
  return {values.begin(), values.end()};
}

/// A gradient's buffer with more storage on both sides that nobody may touch.
struct GuardedBuffer {
  static constexpr std::int64_t kGuard = 8;
  Tensor storage, gradient;

  GuardedBuffer(const Shape& shape, float start, DType dtype, const Placement& where) {
    const std::int64_t first = kGuard + where.offset, count = shape.count() + first + kGuard;
    storage = place(Shape{count}, std::vector<float>(static_cast<std::size_t>(count), start), dtype, {where.device});
    gradient = storage.slice(first, shape);
  }
  void expect_untouched_outside(float start) const {
    const std::vector<float> all = to_floats(storage);
    const std::int64_t end = storage.count() - kGuard, begin = end - gradient.count();
    for (std::int64_t i = 0; i < storage.count(); ++i) {
      const float value = all[static_cast<std::size_t>(i)];
      EXPECT_TRUE((begin <= i && i < end) || value == start || (std::isnan(value) && std::isnan(start)))
          << "element " << i - begin << " of " << gradient.count() << " is written";
    }
  }
};

/// What came out, and the gradient of every input.
struct PlacedRun {
  Tensor out;
  std::vector<float> flows_in;  // what flowed into `out` backward
  std::vector<Tensor> grads;
  std::int64_t host_waits;  // while it ran
};

using PlacedOp = std::function<Tensor(const std::vector<Tensor>& inputs)>;

/// Runs `op` on the inputs, and backward from random values of the output's type.
inline PlacedRun run_placed(const PlacedOp& op, const std::vector<Input>& inputs, const Placement& where) {
  clear_tape();
  PlacedRun run;
  std::vector<Tensor> tensors;
  std::vector<GuardedBuffer> buffers;
  const bool adds = where.mode == Accumulate::Add;
  const float start = adds ? kBefore : std::numeric_limits<float>::quiet_NaN();
  for (const Input& input : inputs) {
    buffers.emplace_back(input.shape, start, input.dtype, where);
    const auto slot = std::make_shared<GradSlot>(run.grads.emplace_back(buffers.back().gradient));
    if (adds) slot->target();  // as if something had contributed: what follows is added
    tensors.emplace_back(place(input.shape, input.values, input.dtype, where)).set_grad_slot(slot);
  }
  const std::int64_t waits_before = host_waits();
  run.out = op(tensors);
  run.host_waits = host_waits() - waits_before;
  run.flows_in = rounded_to(run.out.dtype(), random_values(run.out.count(), 5));
  const Tensor flows_in = place(run.out.shape(), run.flows_in, run.out.dtype(), where);
  Tensor end = Tensor::empty(Shape{1}, DType::F32, where.device);
  record("end", {&run.out}, end, [&](const Tensor&, const InputGrads& grads) { grads.add(0, flows_in); });
  const std::int64_t waits_between = host_waits();
  backward(end);
  run.host_waits += host_waits() - waits_between;
  for (const GuardedBuffer& buffer : buffers) buffer.expect_untouched_outside(start);
  return run;
}

}  // namespace isobath::test
