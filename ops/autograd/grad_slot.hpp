#pragma once
// Where the gradient of one tensor gathers while the tape runs backward.

#include <functional>
#include <memory>

#include "ops/core/accumulate.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// Where a backward kernel writes its result, and how. Saves a temporary when a tensor has several uses, and a pass of
/// zeroing.
struct GradTarget {
  Tensor tensor;
  Accumulate mode;
};

class GradSlot {
 public:
  /// Of an intermediate tensor: storage appears with the first contribution.
  GradSlot(Shape shape, DType dtype, Device device) : shape_(shape), dtype_(dtype), device_(device) {}
  /// Of a leaf: contributions go to `buffer`, which outlives the slot's use (a view of a flat gradient buffer).
  explicit GradSlot(Tensor buffer)
      : shape_(buffer.shape()),
        dtype_(buffer.dtype()),
        device_(buffer.device()),
        gradient_(std::move(buffer)),
        is_leaf_(true) {}

  /// Of a leaf whose buffer comes and goes: `storage` gives it, of that shape and dtype, for the first contribution;
  /// release() forgets it.
  GradSlot(Shape shape, DType dtype, Device device, std::function<Tensor()> storage)
      : shape_(shape), dtype_(dtype), device_(device), storage_(std::move(storage)), is_leaf_(true) {}

  bool is_leaf() const { return is_leaf_; }
  bool has_gradient() const { return contributed_; }
  /// The buffer for the next contribution; Overwrite for the first one.
  GradTarget target();
  /// Adds a finished contribution of equal shape and dtype. An intermediate adopts the first one without copying, and
  /// copies it only if a second one comes while others still hold it: a node may hand one gradient to several inputs.
  void add(Tensor contribution);
  /// The gathered gradient; undefined if nothing contributed.
  const Tensor& gradient() const { return gradient_; }
  /// Moves the gathered gradient out of an intermediate.
  Tensor take();

  /// Leaves: the next contribution overwrites (a new step begins). Uses on a tape that was cleared are forgotten.
  void begin_step() {
    contributed_ = false;
    pending_uses_ = 0;
  }
  /// Leaves: a contribution was made by work that repeats what the tape once queued.
  void note_contribution() { contributed_ = true; }
  /// Leaves with storage that comes and goes: the next contribution asks for it anew and overwrites.
  void release();
  /// Leaves: called when the last use recorded on the tape has contributed.
  void on_complete(std::function<void()> hook) { hook_ = std::move(hook); }
  void use_recorded() { ++pending_uses_; }
  void use_finished();

 private:
  Shape shape_;
  DType dtype_;
  Device device_;
  std::function<Tensor()> storage_;  // of a leaf without a buffer of its own
  Tensor gradient_;
  bool is_leaf_ = false;
  bool contributed_ = false;
  bool adopted_ = false;  // gradient_ came through add() and may be shared
  int pending_uses_ = 0;
  std::function<void()> hook_;
};

}  // namespace isobath
