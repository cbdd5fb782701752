#include "ops/dropout/dropout.hpp"

#include "ops/autograd/tape.hpp"

namespace isobath {
namespace {

struct Mask {
  RowSet rows;
  float p;
  DropoutKey key;
};

void apply(const Mask& mask, const Tensor& x, const GradTarget& to) {
  count_bytes("dropout", 2 * x.bytes());
  on_queue_of(x.device(), "dropout", [&](auto queue) {
    const View<const std::int32_t> rows =
        mask.rows.is_all() ? View<const std::int32_t>{} : mask.rows.rows().view<const std::int32_t>();
    const kernel::DropoutDraws draws{mask.key.key.view<const std::int64_t>(),
                                     mask.key.channel0,
                                     mask.key.samples.view<const std::int64_t>(),
                                     rows,
                                     mask.rows.length(),
                                     mask.p};
    on_float_type(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::dropout<T>(queue, x.view<const T>(), draws, to.mode, to.tensor.view<T>());
    });
  });
}

}  // namespace

Tensor dropout_keys(std::uint64_t seed, std::int64_t step, std::int64_t layers, Device device) {
  std::vector<std::int64_t> keys;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const RandomKey key{seed, Purpose::Dropout, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(layer)};
    keys.push_back(static_cast<std::int64_t>(key.word()));
  }
  return Tensor::from(Shape{layers}, keys, device);
}

Tensor dropout(const Tensor& x, const RowSet& rows, float p, const DropoutKey& key) {
  require(p >= 0.0F && p < 1.0F, "dropout: probability ", p, " is not in [0, 1)");
  if (p == 0.0F) return x;
  require(key.key.count() == 1 && key.key.dtype() == DType::I64, "dropout: a key ", key.key.shape(), ' ',
          name_of(key.key.dtype()));
  require(x.shape().rank() == 2 && x.dim(0) == rows.size() && key.samples.count() == rows.batch() &&
              key.samples.dtype() == DType::I64,
          "dropout: x ", x.shape(), " for a set of ", rows.size(), " rows, samples ", key.samples.shape(), ' ',
          name_of(key.samples.dtype()), " for ", rows.batch(), " sequences");
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
  const Mask mask{rows, p, key};
  apply(mask, x, {out, Accumulate::Overwrite});
  record("dropout", {&x}, out,
         [mask](const Tensor& grad_out, const InputGrads& inputs) { apply(mask, grad_out, inputs.target(0)); });
  return out;
}

}  // namespace isobath
