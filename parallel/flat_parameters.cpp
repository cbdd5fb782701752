#include "parallel/flat_parameters.hpp"

#include <set>
#include <string>

namespace isobath {
namespace {

std::vector<FlatItem> items_of(const std::vector<Parameter*>& parameters) {
  std::vector<FlatItem> items;
  std::set<std::string> names;
  for (const Parameter* parameter : parameters) {
    require(names.insert(parameter->name).second, "two parameters are called ", parameter->name);
    items.push_back({parameter->shape.count(), parameter->group, parameter->decay});
  }
  return items;
}

}  // namespace

FlatParameters::FlatParameters(std::vector<Parameter*> parameters, FlatSettings settings, Device device)
    : parameters_(std::move(parameters)),
      layout_(items_of(parameters_), settings),
      values_(Tensor::zeros({layout_.total()}, DType::F32, device)),
      gradients_(Tensor::zeros({layout_.total()}, DType::F32, device)) {
  for (const FlatPiece& piece : layout_.pieces())
    parameters_[piece.item]->bind(part(values_, piece.range), part(gradients_, piece.range));
}

Tensor FlatParameters::part(const Tensor& buffer, FlatRange range) const {
  return buffer.slice(range.begin, {range.count()});
}

}  // namespace isobath
