#include "ops/embedding/embedding.hpp"

#include "support/op_run.hpp"

namespace isobath::test {
namespace {

Tensor ids_of(const std::vector<std::int32_t>& ids) {
  return Tensor::from(Shape{static_cast<std::int64_t>(ids.size())}, ids);
}

OpUnderTest look_up(const std::vector<std::int32_t>& ids) {
  return [list = ids_of(ids)](const std::vector<Tensor>& in) { return embedding(in[0], list); };
}

const std::vector<std::int32_t> kIds{3, 0, 3, 3, 6, 0};

TEST(Embedding, CopiesTableRows) {
  const Leaf table = random_leaf(Shape{7, 5}, 1);
  const Tensor out = value_of(look_up(kIds), {table});
  for (std::size_t i = 0; i < 30; ++i)
    EXPECT_EQ(out.view<float>()[static_cast<std::int64_t>(i)],
              table.values[static_cast<std::size_t>(kIds[i / 5]) * 5 + i % 5]);
}

TEST(Embedding, GradientMatchesFiniteDifferences) { check_gradients(look_up(kIds), {random_leaf(Shape{7, 9}, 2)}); }

TEST(Embedding, IsAdjointToItsGradient) { expect_adjoint(look_up(kIds), random_leaf(Shape{7, 100}, 3)); }

TEST(Embedding, UntouchedTableRowsGetZero) {
  // run_op starts gradients as NaN, so that a row that is not written shows.
  const auto gradient = run_op(look_up(kIds), {random_leaf(Shape{7, 2}, 4)})[1].to_vector<float>();
  for (const std::size_t row : {1, 2, 4, 5})
    for (std::size_t c = 0; c < 2; ++c) EXPECT_EQ(gradient[row * 2 + c], 0.0F) << row;
}

// A tied embedding: the table also is the output matrix, whose contribution comes first. The embedding's must be added
// and leave the rows that no id names as they are.
TEST(Embedding, AddsToWhatTheHeadContributed) {
  const LeafTensor table = make_leaf(random_leaf(Shape{7, 2}, 5));
  Tensor looked_up = embedding(table.value, ids_of(kIds));
  Tensor head = Tensor::zeros(Shape{14}, DType::F32);
  const std::vector<float> from_head = random_values(14, 6), weights = random_values(12, 7);
  record("head", {&table.value}, head, [&](const Tensor&, const InputGrads& inputs) {
    inputs.add(0, Tensor::from(Shape{7, 2}, from_head));
  });
  Tensor loss = Tensor::zeros(Shape{1}, DType::F32);
  record("loss", {&looked_up, &head}, loss, [&](const Tensor&, const InputGrads& inputs) {
    inputs.add(0, Tensor::from(Shape{6, 2}, weights));
    inputs.add(1, Tensor::zeros(Shape{14}, DType::F32));
  });
  backward(loss);
  std::vector<double> expected = to_doubles(from_head);
  for (std::size_t i = 0; i < 12; ++i) expected[static_cast<std::size_t>(kIds[i / 2]) * 2 + i % 2] += weights[i];
  EXPECT_TRUE(close(table.gradient, expected, {4.0 * 4.0 * kEpsilon, 0.0}));  // up to three additions to sums below 4
  const auto gradient = table.gradient.to_vector<float>();
  for (const std::size_t row : {1, 2, 4, 5}) EXPECT_EQ(gradient[row * 2], from_head[row * 2]);
}

TEST(Embedding, BitsDoNotDependOnThreads) {
  std::vector<std::int32_t> ids;
  for (std::int32_t i = 0; i < 2000; ++i) ids.push_back(i % 3 == 0 ? 1 : i * 7 % 211);  // one id in every third place
  expect_thread_independent(look_up(ids), {random_leaf(Shape{211, 66}, 8)});
}

TEST(Embedding, NoIds) {
  const auto results = run_op(look_up({}), {random_leaf(Shape{3, 2}, 9)});
  EXPECT_EQ(results[0].shape(), (Shape{0, 2}));
  EXPECT_TRUE(same_bits(results[1], Tensor::zeros(Shape{3, 2}, DType::F32)));
}

TEST(Embedding, AnIdOutsideTheTableIsNamed) {
  const Tensor table = Tensor::zeros(Shape{7, 2}, DType::F32);
  for (const std::int32_t bad : {7, -2}) {
    try {
      embedding(table, ids_of({0, 1, bad}));
      FAIL() << "no error for id " << bad;
    } catch (const DataError& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(text("id ", bad)), std::string::npos) << message;
      EXPECT_NE(message.find("index 2"), std::string::npos) << message;
      EXPECT_NE(message.find("7 rows"), std::string::npos) << message;
    }
  }
}

TEST(Embedding, MetaHasShapesOnly) {
  const Tensor ids = Tensor::empty(Shape{5}, DType::I32, Device::meta());
  expect_meta([ids](const std::vector<Tensor>& in) { return embedding(in[0], ids); }, {Shape{9, 4}}, Shape{5, 4});
}

}  // namespace
}  // namespace isobath::test
