#include "ops/autograd/parameter.hpp"

#include <algorithm>
#include <array>
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

/// Values [begin, begin + count) of a parameter; begin is a multiple of the four that one draw makes.
std::vector<float> drawn(const Init& init, const std::array<std::uint32_t, 2>& key, std::int64_t begin,
                         std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count), init.constant);
  for (std::int64_t base = 0; base < count; base += 4) {
    const auto words = draw4(key, 0, 0, static_cast<std::uint64_t>(begin + base) / 4);
    const auto low = to_normal(words[0], words[1]), high = to_normal(words[2], words[3]);
    const float normals[4] = {low[0], low[1], high[0], high[1]};
    for (std::int64_t i = 0; i < std::min<std::int64_t>(4, count - base); ++i)
      values[base + i] += init.deviation * normals[i] + init.bound * (2.0F * to_uniform(words[i]) - 1.0F);
  }
  return values;
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
  constexpr std::int64_t kPiece = 1 << 20;  // the host never holds a second copy of a whole table
  const auto key = RandomKey{seed, Purpose::Init, 0, hash_of(parameter.name)}.words();
  const std::int64_t count = parameter.shape.count();
  for (std::int64_t begin = 0; begin < count; begin += kPiece) {
    const Shape shape{std::min(kPiece, count - begin)};
    const std::vector<float> values = drawn(parameter.init, key, begin, shape.count());
    parameter.value.slice(begin, shape).copy_from(Tensor::from(shape, values, parameter.value.device()));
  }
}

}  // namespace isobath
