// Law 3: the model's own block, routed by the model's own routers, equals the independent NumPy implementation: values
// and gradients.

#include "golden/golden.hpp"
#include "laws/small_run.hpp"
#include "ops/autograd/tape.hpp"
#include "ops/rope/rope.hpp"
#include "trainer/routing/mixture_of_depths.hpp"
#include "trainer/routing/token_selective.hpp"

namespace isobath::test {
namespace {

constexpr int kLayer = 1;

// As in tests/golden: the longest path passes some 25 ops of a handful of roundings each; errors are measured against
// the largest element.
constexpr double kRoundings = 50.0;

Bound bound_for(const std::vector<double>& want) {
  double largest = 1.0;
  for (const double value : want) largest = std::max(largest, std::abs(value));
  return {kRoundings * kEpsilon * largest, 0.0};
}

/// "block.attention.query.weight" -> "attention.query.weight", "routers.1.score.weight" -> "router.score.weight".
std::string golden_name(const std::string& name) {
  const std::string router = text("routers.", kLayer, '.');
  if (name.starts_with(router)) return "router." + name.substr(router.size());
  return name.substr(std::string("block.").size());
}

/// A golden file's block and router with the file's parameters.
class GoldenBlock {
 public:
  GoldenBlock(const std::string& file, DepthPolicy policy, Family family = Family::Paper)
      : golden_(file), h_(make_leaf(golden_.leaf("h"), device())) {
    model_.family = family;
    if (family == Family::Modern) {
      model_.kv_heads = golden_.integer("kv_heads");
      model_.rope_base = golden_.doubles("rope_base")[0];
    }
    model_.layers = 2;
    model_.width = h_.value.dim(1);
    model_.heads = golden_.integer("sizes", 3);
    model_.ffn_width = golden_.shape("ffn.up.weight")[0];
    DepthConfig depth;
    depth.policy = policy;
    if (policy == DepthPolicy::TokenSelective) {
      depth.token_selective.hidden_floor = golden_.shape("router.up.weight")[0];
    } else {
      const auto kept = static_cast<double>(golden_.integer("k"));
      depth.mixture_of_depths.capacity = kept / static_cast<double>(length());
      depth.mixture_of_depths.predictor = false;
    }
    router_ = make_router(depth, model_);
    block_ = std::make_unique<TransformerBlock>("block", block_shape(model_));
    ParameterList list;
    router_->collect(kLayer, list);
    block_->collect(list);
    parameters_ = std::make_unique<FlatParameters>(list, FlatSettings{}, device());
    for (Parameter* parameter : list)
      parameter->value.copy_from(golden_.tensor(golden_name(parameter->name)).reshaped(parameter->shape));
  }

  void check() {
    const RoutingContext context{golden_.integer("sizes", 0), length(), 0, {}, {}};
    const Route route = router_->route(kLayer, {h_.value, h_.value}, context);
    const bool turns = model_.position_kind() == Positions::Rope;
    const Tensor rotary = turns ? rope_table(length(), model_.head_width(), model_.rope_base, device()) : Tensor();
    const Tensor out = block_->forward(h_.value, route, 0.0F, {}, rotary);
    expect("out", out);
    backward(project({out}, golden_.floats("weight")));
    expect("grad.h", h_.gradient);
    for (const Parameter* parameter : parameters_->parameters())
      expect("grad." + golden_name(parameter->name), parameter->gradient);
  }

 private:
  std::int64_t length() const { return golden_.integer("sizes", 1); }
  void expect(const std::string& name, const Tensor& got) const {
    const std::vector<double>& want = golden_.doubles(name);
    EXPECT_TRUE(close(got, want, bound_for(want))) << name;
  }

  Golden golden_;
  LeafTensor h_;
  ModelConfig model_;
  std::unique_ptr<TrainableRouter> router_;
  std::unique_ptr<TransformerBlock> block_;
  std::unique_ptr<FlatParameters> parameters_;
};

TEST(GoldenBlock, TokenSelectiveByBranches) { GoldenBlock("tsa_block.txt", DepthPolicy::TokenSelective).check(); }

TEST(GoldenBlock, MixtureOfDepthsByBlock) { GoldenBlock("mod_block.txt", DepthPolicy::MixtureOfDepths).check(); }

TEST(GoldenBlock, MixtureOfDepthsInTheModernFamily) {
  GoldenBlock("modern_mod_block.txt", DepthPolicy::MixtureOfDepths, Family::Modern).check();
}

}  // namespace
}  // namespace isobath::test
