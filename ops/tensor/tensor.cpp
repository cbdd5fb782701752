#include "ops/tensor/tensor.hpp"

#include <cstring>

#include "ops/core/device_memory.hpp"
#include "ops/core/host_waits.hpp"

namespace isobath {

Tensor Tensor::empty(Shape shape, DType dtype, Device device) {
  Tensor out;
  out.shape_ = shape;
  out.dtype_ = dtype;
  out.storage_ = std::make_shared<Block>(device, static_cast<std::size_t>(shape.count()) * size_of(dtype));
  return out;
}

Tensor Tensor::zeros(Shape shape, DType dtype, Device device) {
  Tensor out = empty(shape, dtype, device);
  out.fill_zero();
  return out;
}

void* Tensor::raw() const {
  if (!storage_ || storage_->data() == nullptr) return nullptr;
  return static_cast<std::byte*>(storage_->data()) + offset_ * static_cast<std::int64_t>(size_of(dtype_));
}

Tensor Tensor::reshaped(Shape shape) const {
  require(shape.count() == count(), "reshape of ", shape_, " to ", shape);
  return slice(0, shape);
}

Tensor Tensor::slice(std::int64_t begin, Shape shape) const {
  require(begin >= 0 && begin + shape.count() <= count(), "slice at ", begin, " of shape ", shape, " from ", shape_);
  Tensor out = *this;
  out.offset_ += begin;
  out.shape_ = shape;
  out.slot_.reset();
  return out;
}

Tensor Tensor::detached() const {
  Tensor out = *this;
  out.slot_.reset();
  return out;
}

void Tensor::fill_zero() const {
  if (count() == 0 || device().is_meta()) return;
  if (device().is_cpu()) {
    std::memset(raw(), 0, bytes());
    return;
  }
  cuda_set_zero(device(), raw(), bytes());
}

void Tensor::copy_from(const Tensor& source) const {
  const bool one_is_host = source.device().is_cpu() || device().is_cpu();
  require(source.dtype_ == dtype_ && source.count() == count() && (one_is_host || source.device() == device()),
          "copy of ", source.shape_, ' ', name_of(source.dtype_), " on ", source.device(), " to ", shape_, ' ',
          name_of(dtype_), " on ", device());
  if (count() == 0 || device().is_meta()) return;
  if (source.device().is_cpu() && device().is_cpu())
    std::memmove(raw(), source.raw(), bytes());
  else if (source.device().is_cpu())
    copy_from_host(source.raw());
  else if (device().is_cpu())
    source.copy_to_host(raw());
  else
    cuda_copy(device(), raw(), source.raw(), bytes(), CopyKind::DeviceToDevice);
}

void Tensor::copy_from_host(const void* values) const {
  if (count() == 0 || device().is_meta()) return;
  if (device().is_cpu())
    std::memcpy(raw(), values, bytes());
  else
    cuda_copy(device(), raw(), values, bytes(), CopyKind::HostToDevice);
}

void Tensor::copy_to_host(void* values) const {
  require(!device().is_meta(), "a meta tensor has no values");
  if (count() == 0) return;
  if (!device().is_cpu()) return cuda_copy(device(), values, raw(), bytes(), CopyKind::DeviceToHost);
  count_host_wait();  // free here, but a wait on any other device: CPU tests are to see it
  std::memcpy(values, raw(), bytes());
}

}  // namespace isobath
