#pragma once
// A dense row-major array that shares its storage: copies are handles, views of flat buffers included.

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "ops/core/allocator.hpp"
#include "ops/core/dtype.hpp"
#include "ops/core/shape.hpp"
#include "ops/tensor/view.hpp"

namespace isobath {

class GradSlot;  // ops/autograd/grad_slot.hpp: where the gradient of this tensor gathers

class Tensor {
 public:
  /// No storage, no shape: "absent", e.g. a linear layer without bias.
  Tensor() = default;

  /// Uninitialised storage.
  static Tensor empty(Shape shape, DType dtype, Device device = Device::cpu());
  static Tensor zeros(Shape shape, DType dtype, Device device = Device::cpu());
  /// Copies host values to `device`, for which the host does not wait.
  template <class T>
  static Tensor from(Shape shape, std::span<const T> values, Device device = Device::cpu()) {
    require(static_cast<std::int64_t>(values.size()) == shape.count(), "Tensor::from: ", values.size(),
            " values for shape ", shape);
    Tensor out = empty(shape, dtype_of<T>, device);
    out.copy_from_host(values.data());
    return out;
  }
  template <class T>
  static Tensor from(Shape shape, const std::vector<T>& values, Device device = Device::cpu()) {
    return from(shape, std::span<const T>(values), device);
  }

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  std::int64_t dim(int index) const { return shape_[index]; }
  std::int64_t count() const { return shape_.count(); }
  DType dtype() const { return dtype_; }
  Device device() const { return storage_ ? storage_->device() : Device::cpu(); }
  std::size_t bytes() const { return static_cast<std::size_t>(count()) * size_of(dtype_); }

  /// The data as the kernels see it. Throws InternalError unless T is the element type.
  template <class T>
  View<T> view() const {
    require(dtype_of<std::remove_const_t<T>> == dtype_, "view of ", name_of(dtype_), " as ",
            name_of(dtype_of<std::remove_const_t<T>>));
    return {static_cast<T*>(raw()), shape_};
  }
  /// First byte; null on the meta device.
  void* raw() const;

  /// A handle on the same elements under another shape of equal count; gradients do not flow through it.
  Tensor reshaped(Shape shape) const;
  /// Elements [begin, begin + shape.count()) of the flattened tensor, sharing storage; gradients do not flow through
  /// it.
  Tensor slice(std::int64_t begin, Shape shape) const;
  /// A handle on the same elements that the tape does not follow.
  Tensor detached() const;
  /// Whether both are handles on the same elements of the same storage.
  bool is_same(const Tensor& other) const {
    return storage_ == other.storage_ && offset_ == other.offset_ && shape_ == other.shape_ && dtype_ == other.dtype_;
  }
  /// Whether no other handle shares the storage, so that it may be overwritten.
  bool is_exclusive() const { return storage_.use_count() == 1; }

  void fill_zero() const;
  /// Copies the elements of `source`: equal dtype and count, and the same device unless one is the CPU. The host waits
  /// for values that come to it, and for none that go to a device.
  void copy_from(const Tensor& source) const;
  /// Copies to host memory, for which the host waits (ops/core/host_waits.hpp).
  template <class T>
  std::vector<T> to_vector() const {
    require(dtype_of<T> == dtype_, "to_vector: ", name_of(dtype_), " read as ", name_of(dtype_of<T>));
    std::vector<T> out(static_cast<std::size_t>(count()));
    copy_to_host(out.data());
    return out;
  }

  const std::shared_ptr<GradSlot>& grad_slot() const { return slot_; }
  void set_grad_slot(std::shared_ptr<GradSlot> slot) { slot_ = std::move(slot); }

 private:
  void copy_from_host(const void* values) const;
  void copy_to_host(void* values) const;

  std::shared_ptr<Block> storage_;
  std::int64_t offset_ = 0;  // in elements
  Shape shape_;
  DType dtype_ = DType::F32;
  std::shared_ptr<GradSlot> slot_;
};

}  // namespace isobath
