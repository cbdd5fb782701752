#include "parallel/flat_parameters.hpp"

#include <set>
#include <string>

#include "ops/tensor/convert.hpp"

namespace isobath {
namespace {

std::vector<FlatItem> items_of(const std::vector<Parameter*>& parameters) {
  std::vector<FlatItem> items;
  std::set<std::string> names;
  for (const Parameter* parameter : parameters) {
    require(names.insert(parameter->name).second, "two parameters are called ", parameter->name);
    items.push_back({parameter->shape.count(), parameter->group, parameter->decay, parameter->rate});
  }
  return items;
}

}  // namespace

FlatParameters::FlatParameters(std::vector<Parameter*> parameters, FlatSettings settings, Device device,
                               FlatStorage storage)
    : parameters_(std::move(parameters)),
      layout_(items_of(parameters_), settings),
      storage_(storage.gradients),
      values_(Tensor::zeros({layout_.total()}, DType::F32, device)),
      operands_(storage.operands == DType::F32 ? values_ : Tensor::zeros({layout_.total()}, storage.operands, device)),
      gradients_(
          Tensor::zeros({storage_ == GradientStorage::Whole ? layout_.total() : layout_.total() / layout_.world_size()},
                        DType::F32, device)),
      buckets_(layout_.buckets().size()) {
  for (const FlatPiece& piece : layout_.pieces()) {
    Parameter& parameter = *parameters_[piece.item];
    if (storage_ == GradientStorage::Whole)
      parameter.bind(part(values_, piece.range), part(gradients_, piece.range));
    else
      parameter.bind(part(values_, piece.range), [this, piece] {
        const FlatRange whole = layout_.buckets()[piece.bucket].range;
        return bucket_gradients(piece.bucket).slice(piece.range.begin - whole.begin, {piece.range.count()});
      });
    if (!operands_.is_same(values_)) parameter.bind_operand(part(operands_, piece.range));
  }
}

void FlatParameters::refresh_operands() const {
  if (!operands_.is_same(values_)) convert(values_, operands_);
}

Tensor FlatParameters::bucket_gradients(std::size_t bucket) {
  const FlatBucket& where = layout_.buckets()[bucket];
  if (storage_ == GradientStorage::Whole) return part(gradients_, where.range);
  if (!buckets_[bucket].defined()) buckets_[bucket] = make_bucket(where);
  return buckets_[bucket];
}

/// Parameters overwrite their places; what lies between them is reduced too and has to be zero.
Tensor FlatParameters::make_bucket(const FlatBucket& bucket) const {
  Tensor buffer = Tensor::empty({bucket.range.count()}, DType::F32, values_.device());
  std::int64_t done = bucket.range.begin;
  const auto clear_to = [&](std::int64_t end) {
    if (done < end) buffer.slice(done - bucket.range.begin, {end - done}).fill_zero();
  };
  for (std::size_t i = bucket.first_piece; i < bucket.end_piece; ++i) {
    clear_to(layout_.pieces()[i].range.begin);
    done = layout_.pieces()[i].range.end;
  }
  clear_to(bucket.range.end);
  return buffer;
}

void FlatParameters::release_bucket(std::size_t bucket) {
  require(storage_ == GradientStorage::Sharded, "gradients that last are not released");
  buckets_[bucket] = {};
  const FlatBucket& where = layout_.buckets()[bucket];
  for (std::size_t i = where.first_piece; i < where.end_piece; ++i) slot_of(layout_.pieces()[i]).release();
}

}  // namespace isobath
