// Training reaches the losses it reached when these numbers were written, and two bugs that public implementations have
// had would show: a gate that also scales the residual stream, and routed rows that are positions 0 .. k - 1 instead of
// the chosen ones.

#include "laws/small_run.hpp"
#include "ops/add/add.hpp"
#include "ops/autograd/tape.hpp"
#include "ops/cross_entropy/cross_entropy.hpp"
#include "ops/embedding/embedding.hpp"
#include "ops/gather_rows/gather_rows.hpp"
#include "ops/scale_rows/scale_rows.hpp"
#include "ops/scatter_add_rows/scatter_add_rows.hpp"
#include "trainer/routing/mixture_of_depths.hpp"
#include "trainer/routing/token_selective.hpp"

namespace isobath::test {
namespace {

enum class Plant { Nothing, GateOnStream, FirstRows };

constexpr std::int64_t kSteps = 120, kLast = 30;

class FirstRowsChoice final : public RowChoice {
 public:
  explicit FirstRowsChoice(std::int64_t k) : k_(k) {}
  RowSet choose(int, const Tensor&, const RoutingContext& context) const override {
    std::vector<std::int32_t> rows;
    for (std::int64_t s = 0; s < context.batch; ++s)
      for (std::int64_t i = 0; i < k_; ++i) rows.push_back(static_cast<std::int32_t>(s * context.length + i));
    return RowSet::from_rows(rows, context.batch, context.length, device());
  }

 private:
  std::int64_t k_;
};

/// The paper family put together in the test, so that a bug can be planted between blocks.
class PlantedModel {
 public:
  PlantedModel(const RunConfig& config, Plant plant)
      : config_(config),
        plant_(plant),
        tokens_{"embedding.tokens",
                {config.model.vocabulary, config.model.width},
                {.deviation = 0.02F},
                WeightDecay::No,
                {},
                {},
                {}},
        places_{"embedding.positions",
                {config.model.context, config.model.width},
                {.deviation = 0.02F},
                WeightDecay::No,
                {},
                {},
                {}},
        norm_("norm", config.model.width),
        router_(make(config, plant)) {
    const float residual = 0.02F / std::sqrt(2.0F * static_cast<float>(config.model.layers));
    ParameterList list{&tokens_, &places_};
    for (int layer = 0; layer < config.model.layers; ++layer) {
      blocks_.push_back(std::make_unique<TransformerBlock>(text("blocks.", layer),
                                                           BlockShape{.channels = config.model.width,
                                                                      .heads = static_cast<int>(config.model.heads),
                                                                      .hidden = config.model.ffn_channels(),
                                                                      .deviation = 0.02F,
                                                                      .residual_deviation = residual}));
      router_->collect(layer, list);
      blocks_.back()->collect(list);
    }
    norm_.collect(list);
    parameters_ = std::make_unique<FlatParameters>(list, FlatSettings{}, device());
    for (const Parameter* parameter : list) initialise(*parameter, static_cast<std::uint64_t>(config.seed));
  }

  FlatParameters& parameters() { return *parameters_; }

  Tensor loss(const Batch& batch, std::int64_t step) const {
    const ModelInput input = input_of(batch, step);
    std::vector<std::int32_t> places;
    for (std::int64_t row = 0; row < batch.size() * batch.context; ++row)
      places.push_back(static_cast<std::int32_t>(row % batch.context));
    Tensor h = add(embedding(tokens_.value, batch.inputs),
                   embedding(places_.value, Tensor::from(Shape{batch.size() * batch.context}, places, device())));
    std::vector<Tensor> losses;
    for (int layer = 0; layer < config_.model.layers; ++layer) {
      Route route = router_->routes(layer) ? router_->route(layer, {h, h}, input.context)
                                           : Route::dense(batch.size(), batch.context);
      losses.insert(losses.end(), route.losses.begin(), route.losses.end());
      h = after_block(h, layer, route);
    }
    Tensor loss = cross_entropy(linear(norm_.forward(h), tokens_.value, {}), batch.targets, input.context.unit);
    for (const Tensor& auxiliary : losses) loss = add(loss, auxiliary);
    return loss;
  }

 private:
  static std::unique_ptr<TrainableRouter> make(const RunConfig& config, Plant plant) {
    if (plant != Plant::FirstRows) return make_router(config.depth, config.model);
    const MixtureOfDepthsConfig& mixture = config.depth.mixture_of_depths;
    return std::make_unique<MixtureOfDepths>(
        mixture, config.model, std::make_unique<FirstRowsChoice>(mixture.tokens_kept(config.model.context)));
  }

  Tensor after_block(const Tensor& h, int layer, Route& route) const {
    const TransformerBlock& block = *blocks_[static_cast<std::size_t>(layer)];
    if (plant_ != Plant::GateOnStream || !route.gates.defined()) return block.forward(h, route, 0.0F, {});
    // g * (x + update) in place of x + g * update, on the routed rows.
    const Tensor gates = std::exchange(route.gates, {});
    const Tensor x = gather_rows(h, route.queries),
                 whole = gather_rows(block.forward(h, route, 0.0F, {}), route.queries);
    const std::vector<float> minus_ones(static_cast<std::size_t>(route.queries.size()), -1.0F);
    const Tensor change =
        add(scale_rows(whole, gates), scale_rows(x, Tensor::from(Shape{route.queries.size()}, minus_ones, device())));
    return route.queries.is_all() ? add(h, change) : scatter_add_rows(h, change, route.queries);
  }

  RunConfig config_;
  Plant plant_;
  Parameter tokens_, places_;
  LayerNorm norm_;
  std::unique_ptr<TrainableRouter> router_;
  std::vector<std::unique_ptr<TransformerBlock>> blocks_;
  std::unique_ptr<FlatParameters> parameters_;
};

/// The routed policies route every block, so that what routing does decides what can be learned.
RunConfig config_of(DepthPolicy policy, std::int64_t seed) {
  RunConfig config = small_config(policy);
  config.seed = seed;
  config.depth.mixture_of_depths.every = 1;
  config.depth.mixture_of_depths.first = 0;
  config.depth.mixture_of_depths.capacity = 0.5;
  config.train.steps = kSteps;
  return config;
}

/// Mean training loss, auxiliary terms left out, of the last kLast steps.
double train(const RunConfig& config, Plant plant) {
  PlantedModel model(config, plant);
  SelfCommunicator alone;
  const FlatShard everything(model.parameters().layout(), 0, 1);
  GradientReducer reducer(model.parameters(), everything, alone, {});
  Optimizer optimizer(config, model.parameters(), everything, alone);
  StepTotals totals(config.model.layers, 1, device());
  double sum = 0.0;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    totals.begin();
    reducer.begin_step();
    reducer.begin_micro_batch(MicroBatch::Last);
    const Tensor loss = model.loss(small_batch(config, step), step);
    backward(loss);
    reducer.finish();
    optimizer.step(totals, reducer, config.optim.learning_rate, step + 1);
    if (step >= kSteps - kLast) sum += loss.to_vector<float>()[0];
  }
  return sum / kLast;
}

/// The same by the product's own model and trainer.
double train_product(const RunConfig& given) {
  RunConfig config = given;
  config.optim.schedule = Schedule::Constant;
  Replica replica(config, device(), 1);
  SelfCommunicator alone;
  Trainer trainer(config, replica, alone);
  double sum = 0.0;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    const StepReport report = trainer.step(small_batch(config, step));
    if (step >= kSteps - kLast) sum += report.loss + report.auxiliary;
  }
  return sum / kLast;
}

/// Seeds 1, 2 and 3 of train_product() when this was written; the bound is three times their range.
struct Recorded {
  DepthPolicy policy;
  double losses[3];

  double mean() const { return (losses[0] + losses[1] + losses[2]) / 3.0; }
  double bound() const { return 3.0 * (*std::max_element(losses, losses + 3) - *std::min_element(losses, losses + 3)); }
};

constexpr Recorded kRecorded[] = {{DepthPolicy::Dense, {0.8284, 0.8221, 0.8352}},
                                  {DepthPolicy::TokenSelective, {0.8227, 0.8144, 0.8264}},
                                  {DepthPolicy::MixtureOfDepths, {1.3367, 1.3483, 1.3515}}};

class Regression : public testing::TestWithParam<Recorded> {};

TEST_P(Regression, TrainingReachesItsLoss) {
  EXPECT_NEAR(train_product(config_of(GetParam().policy, 1)), GetParam().mean(), GetParam().bound());
}

INSTANTIATE_TEST_SUITE_P(Laws, Regression, testing::ValuesIn(kRecorded),
                         [](const auto& info) { return std::string(name_of(info.param.policy)); });

// Planted into Mixture-of-Depths, whose routed rows have no other way to be updated. In Token-Selective training a gate
// on the stream hides behind the next norm: its losses (0.829, 0.828, 0.834) lie within the bound, and the golden block
// tells it instead.
TEST(PlantedBug, NoneIsWhatTheProductDoes) {
  const RunConfig config = config_of(DepthPolicy::MixtureOfDepths, 1);
  // Two sums of the same f32 losses, one of them in the order of the log.
  EXPECT_NEAR(train(config, Plant::Nothing), train_product(config), 1e-4);
}

TEST(PlantedBug, AGateOnTheResidualStreamFails) {
  const Recorded& mixture = kRecorded[2];
  EXPECT_GT(train(config_of(mixture.policy, 1), Plant::GateOnStream), mixture.mean() + mixture.bound());
}

TEST(PlantedBug, RowsZeroToKFail) {
  const Recorded& mixture = kRecorded[2];
  EXPECT_GT(train(config_of(mixture.policy, 1), Plant::FirstRows), mixture.mean() + mixture.bound());
}

}  // namespace
}  // namespace isobath::test
