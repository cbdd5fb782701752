#pragma once
// N = B * T rows of the batch, Q rows that a branch updates, K rows that can be attended to, C channels, H heads, F
// hidden width.

#include "ops/dropout/dropout.hpp"
#include "trainer/layers/layers.hpp"
#include "trainer/routing/route.hpp"

namespace isobath {

struct BlockShape {
  std::int64_t channels = 0;
  int heads = 1;
  std::int64_t hidden = 0;
  float deviation = 0.02F;       ///< of every matrix
  float residual_deviation = 0;  ///< of the two matrices that write to the residual stream: deviation / sqrt(2 L)
};

/// A pre-norm decoder block: h + g Attention(LN h), then h + g FFN(LN h), over row sets. h, gates and updates are f32;
/// what lies between a norm and an update has the type that the weights' operands have.
class TransformerBlock {
 public:
  TransformerBlock(const std::string& name, const BlockShape& shape);

  void collect(ParameterList& list);
  /// h: [N, C]; gates scale updates, never the stream. Rows outside route.queries leave a fully gated block
  /// bit-identical. `draws` gives the dropout decisions; p is 0 during evaluation.
  Tensor forward(const Tensor& h, const Route& route, float p, const DropoutKey& draws) const;

 private:
  /// The attention branch's update of `queries`, [Q, C], from the stream of those rows and of the keys.
  Tensor attend(const Tensor& stream, const RowSet& queries, const RowSet& keys) const;
  Tensor attend_normed(const Tensor& query_rows, const Tensor& key_rows, const RowSet& queries,
                       const RowSet& keys) const;
  /// The feed-forward branch's update of rows x: [Q, C].
  Tensor feed(const Tensor& x) const;
  Tensor whole(const Tensor& h, const Route& route, float p, const DropoutKey& draws) const;
  Tensor branches(const Tensor& h, const Route& route, float p, const DropoutKey& draws) const;

  BlockShape shape_;
  LayerNorm attention_norm_;
  Linear query_, key_, value_, output_;
  LayerNorm ffn_norm_;
  Linear up_, down_;
};

}  // namespace isobath
