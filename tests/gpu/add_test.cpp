// add on each device: one f32 addition rounded to the type of the result gives equal bits everywhere.

#include "ops/add/add.hpp"

#include "gpu/placed_run.hpp"

namespace isobath {
namespace {

using namespace test;

class Add : public OnDevice {};

// No element, fewer than a vector, vectors and a remainder, more than a block.
constexpr std::int64_t kCounts[] = {0, 1, 7, 64, 1003, 5000};

TEST_P(Add, AddsBitForBit) {
  for (const DType dtype : {DType::F32, DType::BF16})
    for (const std::int64_t count : kCounts)
      in_every_placement(device(), [&](const Placement& where) {
        const Input a = random_input(Shape{count}, 1, dtype), b = random_input(Shape{count}, 2, dtype, 3.0F);
        const PlacedRun run = run_placed([](const auto& in) { return add(in[0], in[1]); }, {a, b}, where);
        std::vector<float> want = rounded_to(dtype, a.values), more = rounded_to(dtype, b.values);
        for (std::size_t i = 0; i < want.size(); ++i) want[i] += more[i];
        EXPECT_TRUE(equal_bits(to_floats(run.out), rounded_to(dtype, want))) << count << ", " << where;
      });
}

// The op runs no kernel backward; what arrives is handed on.
TEST_P(Add, HandsTheGradientOn) {
  const Input a = random_input(Shape{3, 5}, 1, DType::F32), b = random_input(Shape{3, 5}, 2, DType::F32);
  const PlacedRun run = run_placed([](const auto& in) { return add(in[0], in[1]); }, {a, b}, {device()});
  for (const Tensor& grad : run.grads) EXPECT_TRUE(equal_bits(to_floats(grad), run.flows_in));
}

ON_EVERY_DEVICE(Add);

}  // namespace
}  // namespace isobath
