// embedding on each device. Rows are moved, and the table's gradient sums contributions in ascending order in f32:
// exact, bit for bit, on every device.

#include "ops/embedding/embedding.hpp"

#include "gpu/placed_run.hpp"

namespace isobath {
namespace {

using namespace test;

class Embedding : public OnDevice {};

// V table rows of C elements, looked up by N ids: none, few, many of which one id is every third.
struct Case {
  std::int64_t v, c, n;
};
constexpr Case kCases[] = {{3, 4, 0}, {7, 5, 20}, {211, 64, 700}, {19, 1, 33}};

std::vector<std::int32_t> ids_of(const Case& shape) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < shape.n; ++i) ids.push_back(static_cast<std::int32_t>(i % 3 == 0 ? 1 : i * 7 % shape.v));
  return ids;
}

TEST_P(Embedding, LooksUpAndAddsUpBitForBit) {
  for (const DType dtype : {DType::F32, DType::BF16})
    for (const Case& shape : kCases)
      in_every_placement(device(), [&](const Placement& where) {
        const std::vector<std::int32_t> ids = ids_of(shape);
        const Tensor list = Tensor::from(Shape{shape.n}, ids, device());
        const Input table = random_input(Shape{shape.v, shape.c}, 1, dtype);
        const PlacedRun run = run_placed([&](const auto& in) { return embedding(in[0], list); }, {table}, where);
        const std::vector<float> rows = rounded_to(dtype, table.values);
        std::vector<float> want, grad(rows.size(), where.mode == Accumulate::Add ? kBefore : 0.0F);
        for (std::size_t i = 0; i < ids.size(); ++i)
          for (std::int64_t c = 0; c < shape.c; ++c) {
            const auto at = static_cast<std::size_t>(ids[i] * shape.c + c);
            grad[at] += run.flows_in[want.size()];
            want.push_back(rows[at]);
          }
        EXPECT_TRUE(equal_bits(to_floats(run.out), want)) << shape.v << ", " << where;
        EXPECT_TRUE(equal_bits(to_floats(run.grads[0]), rounded_to(dtype, grad))) << shape.v << ", " << where;
      });
}

ON_EVERY_DEVICE(Embedding);

}  // namespace
}  // namespace isobath
