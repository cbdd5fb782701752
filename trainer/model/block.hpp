#pragma once
// N = B * T rows of the batch, Q rows that a branch updates, K rows that can be attended to, C channels, H heads of D
// channels, F hidden width.

#include <optional>

#include "configs/schema/model_config.hpp"
#include "ops/attention/attention.hpp"
#include "ops/dropout/dropout.hpp"
#include "trainer/layers/norm.hpp"
#include "trainer/routing/route.hpp"

namespace isobath {

struct BlockShape {
  std::int64_t channels = 0;
  int heads = 1;
  int key_heads = 0;  ///< 0: as many as heads
  std::int64_t hidden = 0;
  float deviation = 0.02F;       ///< of every matrix
  float residual_deviation = 0;  ///< of the two matrices that write to the residual stream: deviation / sqrt(2 L)
  float rate = 1.0F;             ///< learning rate of every matrix over optim.learning_rate
  NormKind norm = NormKind::LayerNorm;
  FeedForward ffn = FeedForward::Gelu;  ///< not Auto
  bool has_biases = true;
  bool has_qk_norm = false;
  AttentionBy attention = AttentionBy::Own;

  std::int64_t head_width() const { return channels / heads; }
  std::int64_t key_channels() const { return (key_heads == 0 ? heads : key_heads) * head_width(); }
};

/// The blocks of a model of that configuration.
BlockShape block_shape(const ModelConfig& config);

/// A pre-norm decoder block: h + g Attention(Norm h), then h + g FFN(Norm h), over row sets. h, gates and updates are
/// f32; what lies between a norm and an update has the type that the weights' operands have.
class TransformerBlock {
 public:
  TransformerBlock(const std::string& name, const BlockShape& shape);

  void collect(ParameterList& list);
  /// h: [N, C]; gates scale updates, never the stream. Rows outside route.queries leave a fully gated block
  /// bit-identical. `draws` gives the dropout decisions; p is 0 during evaluation. `rotary`, if defined, is a
  /// rope_table() for the batch's positions and heads of D channels.
  Tensor forward(const Tensor& h, const Route& route, float p, const DropoutKey& draws,
                 const Tensor& rotary = {}) const;

 private:
  struct Pass {
    const Route& route;
    float p;
    const DropoutKey& draws;
    const Tensor& rotary;
  };
  /// The attention branch's update of `queries`, [Q, C], from the stream of those rows and of the keys.
  Tensor attend(const Tensor& stream, const RowSet& queries, const RowSet& keys, const Tensor& rotary) const;
  Tensor attend_normed(const Tensor& query_rows, const Tensor& key_rows, const RowSet& queries, const RowSet& keys,
                       const Tensor& rotary) const;
  Tensor query_of(const Tensor& rows, const RowSet& queries, const Tensor& rotary) const;
  Tensor key_of(const Tensor& rows, const RowSet& keys, const Tensor& rotary) const;
  /// The feed-forward branch's update of rows x: [Q, C].
  Tensor feed(const Tensor& x) const;
  Tensor whole(const Tensor& h, const Pass& pass) const;
  Tensor branches(const Tensor& h, const Pass& pass) const;

  BlockShape shape_;
  ChannelNorm attention_norm_;
  Linear query_, key_, value_, output_;
  std::optional<ChannelNorm> query_norm_, key_norm_;  // over D channels, for all heads
  ChannelNorm ffn_norm_;
  std::optional<Linear> gate_;  // of SwiGLU
  Linear up_, down_;
};

}  // namespace isobath
