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
    const kernel::DropoutDraws draws{mask.key.key.words(),
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

Tensor dropout(const Tensor& x, const RowSet& rows, float p, const DropoutKey& key) {
  require(p >= 0.0F && p < 1.0F, "dropout: probability ", p, " is not in [0, 1)");
  if (p == 0.0F) return x;
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
