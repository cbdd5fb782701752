#pragma once
// A router decides, layer by layer, which rows a block updates and with what weight. Every method, control and
// evaluation mode is one.

#include <cstdint>
#include <memory>
#include <string>

#include "trainer/layers/layers.hpp"
#include "trainer/routing/route.hpp"

namespace isobath {

/// What a decision may depend on, beside the stream.
struct RoutingContext {
  std::int64_t batch = 0;   ///< B sequences here
  std::int64_t length = 0;  ///< T tokens each
  std::int64_t step = 0;
  Tensor samples;  ///< i64 [B], global sample of each sequence (CPU)
  Tensor unit;     ///< f32 [1], 1 / tokens of the global step: losses are sums over ranks and micro-batches;
                   ///< absent in evaluation

  bool is_training() const { return unit.defined(); }
};

/// The residual streams, [B * T, C], that a decision about a block may read.
struct Streams {
  const Tensor& entering;  ///< what enters the block: what left the block before
  const Tensor& earlier;   ///< what entered the block before (for the first block, the same as `entering`)
};

class Router {
 public:
  virtual ~Router() = default;

  /// The name of the rule, as evaluation tables print it, e.g. "hard-binary".
  virtual std::string rule() const = 0;
  /// Whether no decision depends on a later token of its sequence.
  virtual bool is_causal() const = 0;
  /// Whether block `layer` is routed at all; others run densely.
  virtual bool routes(int layer) const = 0;
  virtual Route route(int layer, const Streams& streams, const RoutingContext& context) const = 0;
};

/// A rule that has parameters of its own and is trained with the model.
class TrainableRouter : public Router {
 public:
  /// Appends the parameters used at `layer`, in order of use.
  virtual void collect(int layer, ParameterList& list) = 0;
};

/// Every block on every row.
class DenseRouter final : public TrainableRouter {
 public:
  std::string rule() const override { return "dense"; }
  bool is_causal() const override { return true; }
  bool routes(int) const override { return false; }
  Route route(int, const Streams&, const RoutingContext& context) const override {
    return Route::dense(context.batch, context.length);
  }
  void collect(int, ParameterList&) override {}
};

}  // namespace isobath
