#include "ops/autograd/parameter.hpp"

#include <vector>

#include "ops/autograd/grad_slot.hpp"
#include "ops/core/random.hpp"

namespace isobath {
namespace {

// FNV-1a: the name is the place in the model.
std::uint64_t hash_of(const std::string& name) {
  std::uint64_t hash = 14695981039346656037ull;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return hash;
}

}  // namespace

void Parameter::bind(Tensor value_view, Tensor gradient_view) {
  value = value_view.reshaped(shape);
  gradient = gradient_view.reshaped(shape);
  value.set_grad_slot(std::make_shared<GradSlot>(gradient));
  operand = value;
}

void Parameter::bind(Tensor value_view, std::function<Tensor()> gradient_storage) {
  value = value_view.reshaped(shape);
  gradient = {};
  value.set_grad_slot(std::make_shared<GradSlot>(
      shape, DType::F32, value.device(),
      [shape = shape, gradient_storage = std::move(gradient_storage)] { return gradient_storage().reshaped(shape); }));
  operand = value;
}

void Parameter::bind_operand(Tensor copy_view) {
  operand = copy_view.reshaped(shape);
  operand.set_grad_slot(value.grad_slot());
}

void initialise(const Parameter& parameter, std::uint64_t seed) {
  if (parameter.value.device().is_meta()) return;
  const auto key = RandomKey{seed, Purpose::Init, 0, hash_of(parameter.name)}.words();
  const auto count = static_cast<std::size_t>(parameter.shape.count());
  const Init& init = parameter.init;
  std::vector<float> values(count, init.constant);
  for (std::size_t base = 0; base < count; base += 4) {
    const auto words = draw4(key, 0, 0, base / 4);
    const auto low = to_normal(words[0], words[1]), high = to_normal(words[2], words[3]);
    const float normals[4] = {low[0], low[1], high[0], high[1]};
    for (std::size_t i = 0; i < 4 && base + i < count; ++i)
      values[base + i] += init.deviation * normals[i] + init.bound * (2.0F * to_uniform(words[i]) - 1.0F);
  }
  parameter.value.copy_from(Tensor::from(parameter.shape, values, parameter.value.device()));
}

}  // namespace isobath
