// The Token-Selective and the Mixture-of-Depths block, put together from ops, against the NumPy implementation: values,
// and gradients of the stream and of every parameter. That the model's own block does the same is stated in tests/laws.

#include "golden/golden.hpp"
#include "ops/add/add.hpp"
#include "ops/attention/attention.hpp"
#include "ops/gather_rows/gather_rows.hpp"
#include "ops/layer_norm/layer_norm.hpp"
#include "ops/linear/linear.hpp"
#include "ops/scale_rows/scale_rows.hpp"
#include "ops/scatter_add_rows/scatter_add_rows.hpp"
#include "ops/sigmoid/sigmoid.hpp"
#include "ops/sum/sum.hpp"
#include "ops/top_k/top_k.hpp"

namespace isobath::test {
namespace {

// The longest path passes some 25 ops of a handful of roundings each, sums of at most 12 terms among them; errors are
// measured against the largest element (at least 1, the size of the terms: the gradient of the key bias is a sum of
// such terms that vanishes, as softmax does not see what all scores of a query have in common).
constexpr double kRoundings = 50.0;

Bound bound_for(const std::vector<double>& want) {
  double largest = 1.0;
  for (const double value : want) largest = std::max(largest, std::abs(value));
  return {kRoundings * kEpsilon * largest, 0.0};
}

/// A block of golden inputs as leaves of the tape.
class BlockUnderTest {
 public:
  explicit BlockUnderTest(const std::string& file) : golden_(file) {
    for (const std::string& name : golden_.names("grad.")) leaves_.emplace(name, make_leaf(golden_.leaf(name)));
  }

  const Golden& golden() const { return golden_; }
  const Tensor& operator[](const std::string& name) const { return leaves_.at(name).value; }
  int heads() const { return static_cast<int>(golden_.integer("sizes", 3)); }
  std::int64_t batch() const { return golden_.integer("sizes", 0); }
  std::int64_t length() const { return golden_.integer("sizes", 1); }

  Tensor project(const Tensor& x, const std::string& name, Activation activation = Activation::None) const {
    return linear(x, (*this)[name + ".weight"], (*this)[name + ".bias"], activation);
  }
  Tensor norm(const Tensor& x, const std::string& name) const {
    return layer_norm(x, (*this)[name + ".gain"], (*this)[name + ".shift"]);
  }
  Tensor attended(const Tensor& x, const RowSet& rows) const {
    const Tensor normed = norm(x, "attention.norm");
    return project(attention(project(normed, "attention.query"), project(normed, "attention.key"),
                             project(normed, "attention.value"), rows, rows, heads(), Mask::Causal),
                   "attention.output");
  }
  Tensor fed(const Tensor& x) const {
    return project(project(norm(x, "ffn.norm"), "ffn.up", Activation::Gelu), "ffn.down");
  }
  Tensor open_gates() const {
    return one_minus_sigmoid(project(project((*this)["h"], "router.up", Activation::Relu), "router.down"));
  }

  void expect_gradients(const std::string& prefix) const {
    for (const std::string& name : golden_.names(prefix)) {
      const std::vector<double>& want = golden_.doubles(prefix + name);
      EXPECT_TRUE(close(leaves_.at(name).gradient, want, bound_for(want))) << prefix << name;
    }
  }

 private:
  Golden golden_;
  std::map<std::string, LeafTensor> leaves_;
};

void expect_values(const BlockUnderTest& block, const Tensor& got, const std::string& name) {
  const std::vector<double>& want = block.golden().doubles(name);
  EXPECT_TRUE(close(got, want, bound_for(want))) << name;
}

TEST(BlockGolden, TokenSelective) {
  const BlockUnderTest block("tsa_block.txt");
  const RowSet all = RowSet::all(block.batch(), block.length());
  const Tensor gates = block.open_gates();
  const Tensor middle = add(block["h"], scale_rows(block.attended(block["h"], all), gates));
  const Tensor out = add(middle, scale_rows(block.fed(middle), gates));
  expect_values(block, gates, "gates");
  expect_values(block, out, "out");
  backward(project({out}, block.golden().floats("weight")));
  block.expect_gradients("grad.");
}

TEST(BlockGolden, TokenSelectivePenalty) {
  const BlockUnderTest block("tsa_block.txt");
  const Tensor gates = block.open_gates();
  const Tensor unit = Tensor::from(Shape{1}, std::vector<float>{1.0F / static_cast<float>(gates.count())});
  backward(sum(gates, 1.0F, unit));
  block.expect_gradients("penalty.");
}

TEST(BlockGolden, MixtureOfDepths) {
  const BlockUnderTest block("mod_block.txt");
  const Tensor &h = block["h"], scores = linear(h, block["router.score.weight"], Tensor{});
  const RowSet rows =
      top_k(scores.detached().reshaped(Shape{h.dim(0)}), block.batch(), block.length(), block.golden().integer("k"));
  EXPECT_EQ(rows.rows().to_vector<std::int32_t>(), block.golden().integers("rows"));
  const Tensor x = gather_rows(h, rows), attended = block.attended(x, rows);
  const Tensor update = add(attended, block.fed(add(x, attended)));
  const Tensor out = scatter_add_rows(h, scale_rows(update, gather_rows(scores, rows)), rows);
  expect_values(block, scores, "scores");
  expect_values(block, out, "out");
  backward(project({out}, block.golden().floats("weight")));
  block.expect_gradients("grad.");
}

}  // namespace
}  // namespace isobath::test
