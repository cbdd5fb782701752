#pragma once
// The memory of a model: all values in one f32 buffer, all gradients in another, parameters as views of both. Under
// ZeRO-2 a rank keeps only its slices of the reduced gradients; a bucket's own gradients then live in a buffer that
// comes with the first contribution and goes when the bucket was reduced.

#include <vector>

#include "ops/autograd/grad_slot.hpp"
#include "ops/autograd/parameter.hpp"
#include "parallel/flat_layout.hpp"

namespace isobath {

enum class GradientStorage { Whole, Sharded };

/// What is kept beside the f32 values.
struct FlatStorage {
  GradientStorage gradients = GradientStorage::Whole;
  DType operands = DType::F32;  ///< of what matrix products read; bf16: a copy of the values
};

/// Binds the parameters, which outlive it. Buffers start as zeros, and the padding stays so.
class FlatParameters {
 public:
  /// `parameters` in order of use (the order in which the model registered them), with unique names.
  FlatParameters(std::vector<Parameter*> parameters, FlatSettings settings, Device device = Device::cpu(),
                 FlatStorage storage = {});
  FlatParameters(const FlatParameters&) = delete;
  FlatParameters& operator=(const FlatParameters&) = delete;

  const FlatLayout& layout() const { return layout_; }
  /// In order of use: piece.item is an index into it.
  const std::vector<Parameter*>& parameters() const { return parameters_; }
  /// f32 [layout().total()].
  const Tensor& values() const { return values_; }
  /// The part of a buffer that belongs to a range of it.
  Tensor part(const Tensor& buffer, FlatRange range) const { return buffer.slice(range.begin, {range.count()}); }

  /// bf16 [layout().total()], or the values themselves.
  const Tensor& operands() const { return operands_; }
  /// Rounds the values to the operands anew; to be called by whoever changed values. Nothing where they are the same.
  void refresh_operands() const;

  GradientStorage gradient_storage() const { return storage_; }
  /// f32: [layout().total()], or this rank's shard of it, [layout().total() / world_size].
  const Tensor& gradients() const { return gradients_; }
  /// What this rank's backward passes wrote for a bucket; with sharded storage a buffer is made if there is none.
  Tensor bucket_gradients(std::size_t bucket);
  /// Sharded storage: lets the bucket's buffer go; the next contributions begin a new one.
  void release_bucket(std::size_t bucket);
  GradSlot& slot_of(const FlatPiece& piece) const { return *parameters_[piece.item]->value.grad_slot(); }

 private:
  Tensor make_bucket(const FlatBucket& bucket) const;

  std::vector<Parameter*> parameters_;
  FlatLayout layout_;
  GradientStorage storage_;
  Tensor values_;
  Tensor operands_;
  Tensor gradients_;
  std::vector<Tensor> buckets_;  // sharded storage: those alive
};

}  // namespace isobath
