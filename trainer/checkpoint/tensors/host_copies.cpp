#include "trainer/checkpoint/tensors/host_copies.hpp"

namespace isobath {
namespace {

Tensor host_copy(const Tensor& tensor) {
  if (!tensor.defined() || tensor.device().is_cpu()) return tensor;
  const Tensor copy = Tensor::empty(tensor.shape(), tensor.dtype());
  copy.copy_from(tensor);
  return copy;
}

void copy_back(const Tensor& host, const Tensor& tensor) {
  if (tensor.defined() && !tensor.device().is_cpu()) tensor.copy_from(host);
}

}  // namespace

std::vector<NamedTensor> on_host(std::span<const NamedTensor> tensors) {
  std::vector<NamedTensor> host(tensors.begin(), tensors.end());
  for (NamedTensor& named : host) {
    named.tensor = host_copy(named.tensor);
    if (!named.sharding) continue;
    for (Tensor& part : named.sharding->mine) part = host_copy(part);
  }
  return host;
}

void copy_back(std::span<const NamedTensor> host, std::span<const NamedTensor> tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    copy_back(host[i].tensor, tensors[i].tensor);
    if (!tensors[i].sharding) continue;
    for (std::size_t part = 0; part < tensors[i].sharding->mine.size(); ++part)
      copy_back(host[i].sharding->mine[part], tensors[i].sharding->mine[part]);
  }
}

}  // namespace isobath
