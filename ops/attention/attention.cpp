#include "ops/attention/attention.hpp"

#include <array>

#include "ops/attention/exact_pairs.hpp"
#include "ops/autograd/tape.hpp"

namespace isobath {
namespace {

/// What one call of the op knows, and what its backward pass needs of it.
struct Call {
  Tensor q, k, v;
  RowSet queries, keys;
  int heads;
  std::int64_t pairs;  // visible, per head

  /// Of `count` products of queries with keys, or of their like.
  void count_products(std::int64_t count) const { count_pair_flops(queries, keys, pairs, count * 2 * q.dim(1)); }

  template <class T>
  kernel::AttentionInputs<T> inputs() const {
    return {q.view<const T>(),           k.view<const T>(),
            v.view<const T>(),           kernel::sequence_rows(queries),
            kernel::sequence_rows(keys), heads};
  }
};

void check(const Tensor& q, const Tensor& k, const Tensor& v, const RowSet& queries, const RowSet& keys, int heads,
           Mask mask) {
  require(mask == Mask::Causal, "attention: unknown mask ", static_cast<int>(mask));
  require(q.shape().rank() == 2 && k.shape().rank() == 2 && k.shape() == v.shape(), "attention: q ", q.shape(), ", k ",
          k.shape(), " and v ", v.shape(), " do not fit");
  require(heads > 0 && q.dim(1) > 0 && q.dim(1) % heads == 0, "attention: ", q.dim(1), " columns for ", heads,
          " heads");
  const std::int64_t width = q.dim(1) / heads;
  require(k.dim(1) > 0 && k.dim(1) % width == 0 && heads % (k.dim(1) / width) == 0, "attention: keys of ", k.dim(1),
          " columns for ", heads, " query heads of ", width);
  require(q.dtype() == k.dtype() && q.dtype() == v.dtype(), "attention: q, k and v are ", name_of(q.dtype()), ", ",
          name_of(k.dtype()), " and ", name_of(v.dtype()));
  require(q.device() == k.device() && q.device() == v.device(), "attention: q, k and v lie on ", q.device(), ", ",
          k.device(), " and ", v.device());
  require(q.dim(0) == queries.size() && k.dim(0) == keys.size(), "attention: ", q.dim(0), " and ", k.dim(0),
          " rows for row sets of ", queries.size(), " and ", keys.size());
  require(queries.batch() == keys.batch(), "attention: row sets of ", queries.batch(), " and ", keys.batch(),
          " sequences");
  for (const RowSet* set : {&queries, &keys})
    require(set->is_all() || set->rows().device() == q.device(), "attention: tensors on ", q.device(),
            " with a row set on ", set->is_all() ? q.device() : set->rows().device());
}

/// Three targets, which differ unless a tensor plays several parts.
enum class Parts { Distinct, Shared };

Parts parts_of(const Tensor& q, const Tensor& k, const Tensor& v) {
  const auto same = [](const Tensor& a, const Tensor& b) { return a.grad_slot() && a.grad_slot() == b.grad_slot(); };
  return same(q, k) || same(q, v) || same(k, v) ? Parts::Shared : Parts::Distinct;
}

void run_backward(const Call& call, const Tensor& out, const Tensor& log2_sum, const Tensor& grad_out,
                  const std::array<GradTarget, 3>& targets) {
  on_queue_of(out.device(), "attention", [&](auto queue) {
    on_float_type(out.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::attention_backward<T>(queue, call.inputs<T>(), out.view<const T>(), log2_sum.view<const float>(),
                                    grad_out.view<const T>(),
                                    {grad_view<T>(targets[0]), grad_view<T>(targets[1]), grad_view<T>(targets[2])});
    });
  });
}

// The products of a tile: dout v^T for the gradients of q and k, and one for each gradient.
std::int64_t backward_products(const InputGrads& inputs) {
  const int scores = (inputs.wants(0) ? 1 : 0) + (inputs.wants(1) ? 1 : 0);
  return scores + (scores > 0 ? 1 : 0) + (inputs.wants(2) ? 1 : 0);
}

BackwardFn backward_of(const Call& call, const Tensor& out, const Tensor& log2_sum, Parts parts) {
  return [call, out, log2_sum, parts](const Tensor& grad_out, const InputGrads& inputs) {
    const Tensor* of[3] = {&call.q, &call.k, &call.v};
    std::array<GradTarget, 3> targets;
    for (std::size_t i = 0; i < 3; ++i) {
      if (!inputs.wants(i)) continue;
      targets[i] = parts == Parts::Distinct
                       ? inputs.target(i)
                       : GradTarget{Tensor::empty(of[i]->shape(), of[i]->dtype(), out.device()), Accumulate::Overwrite};
    }
    run_backward(call, out, log2_sum, grad_out, targets);
    call.count_products(backward_products(inputs));
    for (std::size_t i = 0; i < 3 && parts == Parts::Shared; ++i) inputs.add(i, targets[i].tensor);
  };
}

}  // namespace

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const RowSet& queries, const RowSet& keys,
                 int heads, Mask mask) {
  check(q, k, v, queries, keys, heads, mask);
  Tensor out = Tensor::empty(q.shape(), q.dtype(), q.device()), log2_sum;
  const bool recorded = needs_grad({&q, &k, &v});
  if (recorded) log2_sum = Tensor::empty(Shape{heads, q.dim(0)}, DType::F32, q.device());
  Call call{q.detached(), k.detached(), v.detached(), queries, keys, heads, 0};
  on_queue_of(q.device(), "attention", [&](auto queue) {
    on_float_type(q.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const View<float> sums = recorded ? log2_sum.view<float>() : View<float>{};
      kernel::attention<T>(queue, call.inputs<T>(), out.view<T>(), sums);
    });
  });
  call.pairs = visible_pairs(queries, keys);
  call.count_products(2);
  if (recorded) record("attention", {&q, &k, &v}, out, backward_of(call, out.detached(), log2_sum, parts_of(q, k, v)));
  return out;
}

}  // namespace isobath
