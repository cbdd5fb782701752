// Ops against values and gradients of the NumPy implementation in this folder.

#include "golden/golden.hpp"
#include "ops/adamw/adamw.hpp"
#include "ops/bce_with_logits/bce_with_logits.hpp"
#include "ops/embedding/embedding.hpp"
#include "ops/layer_norm/layer_norm.hpp"
#include "ops/sigmoid/sigmoid.hpp"
#include "ops/top_k/top_k.hpp"

namespace isobath::test {
namespace {

Tensor indices(const std::vector<std::int32_t>& values) {
  return Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, values);
}

TEST(Golden, LayerNorm) {
  const Golden golden("layer_norm.txt");
  const OpUnderTest op = [](const std::vector<Tensor>& in) { return layer_norm(in[0], in[1], in[2]); };
  // One row has mean 50 and deviation 1: its x is right to 32 eps, and so is what follows, up to factors of 2.
  expect_golden(golden, op, {"x", "gain", "shift"}, golden.floats("weight"), {4.0 * 32.0 * kEpsilon, 16.0 * kEpsilon});
}

TEST(Golden, Embedding) {
  const Golden golden("embedding.txt");
  const Tensor ids = indices(golden.integers("ids"));
  // copies are exact; up to three weights below 1 add
  expect_golden(golden, [ids](const std::vector<Tensor>& in) { return embedding(in[0], ids); }, {"table"},
                golden.floats("weight"), {4.0 * kEpsilon, 0.0});
}

TEST(Golden, TopK) {
  const Golden golden("top_k.txt");
  const std::int64_t length = golden.integer("length"), batch = golden.shape("scores").count() / length;
  const RowSet rows = top_k(golden.tensor("scores"), batch, length, golden.integer("k"));
  EXPECT_EQ(rows.rows().to_vector<std::int32_t>(), golden.integers("rows"));
}

TEST(Golden, Gates) {
  const Golden golden("gates.txt");
  const std::vector<Leaf> x{golden.leaf("x")};
  const OpUnderTest closed = [](const std::vector<Tensor>& in) { return sigmoid(in[0]); };
  const OpUnderTest open = [](const std::vector<Tensor>& in) { return one_minus_sigmoid(in[0]); };
  const Bound bound{0.0, 12.0 * kEpsilon};  // exp to 3 eps, and some roundings: relative even where gates saturate
  EXPECT_TRUE(close(value_of(closed, x), golden.doubles("sigmoid"), bound));
  EXPECT_TRUE(close(value_of(open, x), golden.doubles("open"), bound));
  EXPECT_TRUE(close(gradients_of(closed, x, golden.floats("weight"))[0], golden.doubles("grad.sigmoid"), bound));
  EXPECT_TRUE(close(gradients_of(open, x, golden.floats("weight"))[0], golden.doubles("grad.open"), bound));
}

TEST(Golden, BinaryCrossEntropy) {
  const Golden golden("bce.txt");
  const std::int64_t length = golden.integer("length"), count = golden.shape("logits").count();
  const RowSet chosen = RowSet::from_rows(golden.integers("rows"), count / length, length);
  const float scale = golden.floats("scale")[0];
  const Tensor unit = golden.tensor("unit");
  const OpUnderTest op = [&](const std::vector<Tensor>& in) { return bce_with_logits(in[0], chosen, scale, unit); };
  expect_golden(golden, op, {"logits"}, {1.0F}, {0.0, 12.0 * kEpsilon});
}

TEST(Golden, AdamW) {
  const Golden golden("adamw.txt");
  const Tensor weights = golden.tensor("weights");
  const std::int64_t count = weights.count();
  const Tensor first = Tensor::zeros(weights.shape(), DType::F32), second = Tensor::zeros(weights.shape(), DType::F32);
  const float decay = golden.floats("decay")[0];
  for (std::int64_t step = 0; step < 3; ++step) {
    const auto at = static_cast<std::size_t>(step);
    const Tensor control = Tensor::from(
        Shape{4}, std::vector<double>{golden.doubles("rates")[at], golden.doubles("scales")[at], step + 1.0, 1.0});
    adamw(weights, golden.tensor("gradients").slice(step * count, Shape{count}), first, second,
          {{0, 8, decay}, {8, count, 0.0F}}, {}, control);
    const auto after = golden.doubles("after").begin() + step * count;
    // a weight below 1.1 is rounded three times a step; the step, at most 2 rates of 2e-2, has errors of some 20 eps
    const double bound = static_cast<double>(step + 1) * (3.0 * 1.1 + 2.0 * 2e-2 * 20.0) * kEpsilon;
    EXPECT_TRUE(close(weights, {after, after + count}, {bound, 0.0})) << "step " << step;
  }
  EXPECT_TRUE(close(first, golden.doubles("first"), {12.0 * kEpsilon, 0.0}));
  EXPECT_TRUE(close(second, golden.doubles("second"), {0.0, 18.0 * kEpsilon}));
}

}  // namespace
}  // namespace isobath::test
