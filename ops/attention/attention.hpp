#pragma once
#include "ops/attention/visibility.hpp"
#include "ops/autograd/grad_view.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// Which keys of its own sequence a query may look at.
enum class Mask { Causal };

/// Who computes. Cudnn: ops/sdpa, for what sdpa_takes(); everything else is computed by isobath's own kernels.
enum class AttentionBy { Own, Cudnn };

/// Softmax attention of query rows over key rows of the same sequence whose original position is at most the query's.
/// q: [Q, heads * D] for the rows of `queries`; k, v: [K, kv_heads * D] for the rows of `keys`; result [Q, heads * D].
/// kv_heads, which the shapes give, divides heads: with group = heads / kv_heads, query head i looks at key head
/// i / group (grouped-query attention, Ainslie et al. 2023, arXiv 2305.13245); equal numbers are the plain form.
/// Scores are scaled by 1 / sqrt(D); softmax is f32. A query that sees no key yields zeros. The T x T matrix is never
/// stored, nor is a key repeated: memory is linear in T. Counts 4 D heads FLOPs per visible (query, key) pair forward,
/// 2x that backward (less what nobody wants; recomputed scores are not counted as model FLOPs). See visible_pairs for
/// the meta device. Throws InternalError when shapes, types, devices or the two row sets do not fit.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const RowSet& queries, const RowSet& keys,
                 int heads, Mask mask, AttentionBy by = AttentionBy::Own);

namespace kernel {
template <class T>
struct AttentionInputs {
  View<const T> q;       ///< [Q, heads * D]
  View<const T> k;       ///< [K, kv_heads * D]
  View<const T> v;       ///< [K, kv_heads * D]
  SequenceRows queries;  ///< Q members
  SequenceRows keys;     ///< K members
  int heads;

  std::int64_t head_width() const { return q.columns() / heads; }
  std::int64_t kv_heads() const { return k.columns() / head_width(); }
  /// Query heads that share a key head.
  std::int64_t group() const { return heads / kv_heads(); }
};

/// The same contract without checks, causal. log2_sum: f32 [heads, Q], the binary logarithm of each row's sum of
/// e^(scaled score), 0 for a row that sees no key; null data when backward will not come.
template <class T>
void attention(CpuQueue queue, const AttentionInputs<T>& in, View<T> out, View<float> log2_sum);
template <class T>
void attention(CudaQueue queue, const AttentionInputs<T>& in, View<T> out, View<float> log2_sum);

/// Where the gradients go; the targets do not overlap.
template <class T>
struct AttentionGrads {
  GradView<T> q;  ///< [Q, heads * D]
  GradView<T> k;  ///< [K, kv_heads * D]
  GradView<T> v;  ///< [K, kv_heads * D]
};

/// With p = e^(s q.k) / 2^log2_sum for visible pairs, s = 1 / sqrt(D), and ds = p (<grad_out, v> - <grad_out, out>):
///   grad_q = s sum over keys of ds k, grad_k = s sum over queries of ds q, grad_v = sum over queries of p grad_out,
/// every sum over ascending rows in f32, rounded to T once; those of k and v over the heads of the group in order. Rows
/// without a visible partner get zeros.
template <class T>
void attention_backward(CpuQueue queue, const AttentionInputs<T>& in, View<const T> out, View<const float> log2_sum,
                        View<const T> grad_out, AttentionGrads<T> grads);
template <class T>
void attention_backward(CudaQueue queue, const AttentionInputs<T>& in, View<const T> out, View<const float> log2_sum,
                        View<const T> grad_out, AttentionGrads<T> grads);
}  // namespace kernel

}  // namespace isobath
