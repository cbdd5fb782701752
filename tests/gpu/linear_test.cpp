// linear on each device against double precision: ragged extents, addresses that allow no vectors, each pair of types,
// gradients overwritten and added to.

#include "ops/linear/linear.hpp"

#include "gpu/placed_run.hpp"
#include "ops_dense/linear_reference.hpp"

namespace isobath {
namespace {

using test::Exact;
using test::LinearCase;
using test::rounded;
using test::shifted;

constexpr LinearCase kShapes[] = {{1, 1, 1}, {3, 1, 4},   {17, 33, 9},  {64, 16, 48}, {65, 20, 31},
                                  {0, 5, 7}, {70, 65, 1}, {70, 200, 1}, {600, 8, 40}};
constexpr Activation kActivations[] = {Activation::None, Activation::Gelu, Activation::Relu};
constexpr float kBefore = 0.5F;  // what gradients hold that are added to

template <class Body>
void for_each_case(Body&& body) {
  for (LinearCase c : kShapes)
    for (const Activation activation : kActivations)
      for (const bool has_bias : {true, false}) {
        c.activation = activation;
        c.has_bias = has_bias;
        body(c);
      }
}

/// All of it representable in T and in bf16, so that only the kernels round. Small integers for Relu: its step is then
/// where it should be.
template <class T>
struct Inputs {
  std::vector<T> x, weight;
  std::vector<float> bias, grad_out;

  explicit Inputs(const LinearCase& c) {
    const auto draw = [&](std::int64_t count, std::uint64_t seed) {
      const bool whole = c.activation == Activation::Relu;
      std::vector<float> values = test::random_values(count, seed, whole ? 3.0F : 1.0F);
      for (float& value : values) value = whole ? std::round(value) : static_cast<float>(bfloat16(value));
      return values;
    };
    x = rounded<T>(draw(c.rows * c.in, 41));
    weight = rounded<T>(draw(c.out * c.in, 42));
    bias = draw(c.out, 43);
    grad_out = draw(c.rows * c.out, 44);
  }

  /// `unit` is the rounding of the results.
  test::LinearReference reference(const LinearCase& c, double unit) const {
    return test::LinearReference::of(c, matrix(c.rows, c.in, x), matrix(c.out, c.in, weight), matrix(1, c.out, bias),
                                     matrix(c.rows, c.out, grad_out), unit);
  }

  template <class U>
  static Exact matrix(std::int64_t rows, std::int64_t columns, const std::vector<U>& values) {
    return test::exact(Tensor::from(Shape{rows, columns}, values));
  }
};

template <class T>
constexpr double kUnit = std::is_same_v<T, float> ? test::kEpsilon : test::kBf16Epsilon;

std::string describe(const LinearCase& c, std::int64_t offset) {
  return text(c.rows, 'x', c.in, " -> ", c.out, " activation ", static_cast<int>(c.activation), " bias ", c.has_bias,
              " offset ", offset);
}

class Linear : public test::OnDevice {};

/// One forward and backward call of the kernels.
template <class T, class Out>
struct OneUse {
  Tensor out, grad_x, grad_weight, grad_bias;

  OneUse(const LinearCase& c, const Inputs<T>& inputs, std::int64_t offset, Accumulate mode, Device device) {
    const Shape rows_in{c.rows, c.in}, rows_out{c.rows, c.out}, out_in{c.out, c.in};
    const Tensor x = shifted(rows_in, inputs.x, offset, device),
                 weight = shifted(out_in, inputs.weight, offset, device),
                 bias = shifted(Shape{c.out}, inputs.bias, offset, device),
                 grad_out = shifted(rows_out, rounded<Out>(inputs.grad_out), offset, device);
    const auto before = [&](const Shape& shape, auto one) {
      return shifted(shape, std::vector<decltype(one)>(static_cast<std::size_t>(shape.count()), one), offset, device);
    };
    out = before(rows_out, Out(kBefore));
    grad_x = before(rows_in, T(kBefore));
    grad_weight = before(out_in, kBefore);
    grad_bias = before(Shape{c.out}, kBefore);
    const bool has_slope = c.activation != Activation::None, has_operand = has_slope || !std::is_same_v<T, Out>;
    const Tensor slope = before(rows_out, T(kBefore));
    const View<T> none{}, kept = slope.view<T>();
    on_queue_of(device, [&](auto queue) {
      kernel::linear<T>(queue, x.view<const T>(), weight.view<const T>(),
                        c.has_bias ? bias.view<const float>() : View<const float>{}, c.activation, out.view<Out>(),
                        has_slope ? kept : none);
      kernel::linear_backward<T>(
          queue, grad_out.view<const Out>(), {has_operand ? kept : none, has_slope}, x.view<const T>(),
          weight.view<const T>(),
          {{grad_x.view<T>(), mode}, {grad_weight.view<float>(), mode}, {grad_bias.view<float>(), mode}});
    });
  }
};

// A sum that begins with what was there is rounded as often as the products, and once more.
Exact plus_before(const Exact& want, Accumulate mode, std::int64_t depth, double unit) {
  if (mode == Accumulate::Overwrite) return want;
  Exact before(want.rows, want.columns);
  for (double& value : before.value) value = kBefore;
  return test::rounded(test::sum(want, before, static_cast<double>(depth) + 1.0), unit);
}

template <class T, class Out>
void expect_right(const LinearCase& c, std::int64_t offset, Device device) {
  const Inputs<T> inputs(c);
  const test::LinearReference forward = inputs.reference(c, kUnit<Out>), want = inputs.reference(c, kUnit<T>);
  for (const Accumulate mode : {Accumulate::Overwrite, Accumulate::Add}) {
    const OneUse<T, Out> run(c, inputs, offset, mode, device);
    EXPECT_TRUE(test::within(run.out, forward.out)) << describe(c, offset);
    EXPECT_TRUE(test::within(run.grad_x, plus_before(want.grad_x, mode, c.out, kUnit<T>))) << describe(c, offset);
    EXPECT_TRUE(test::within(run.grad_weight, plus_before(want.grad_weight, mode, c.rows, test::kEpsilon)))
        << describe(c, offset);
    EXPECT_TRUE(test::within(run.grad_bias, plus_before(want.grad_bias, mode, c.rows, test::kEpsilon)))
        << describe(c, offset);
  }
}

TEST_P(Linear, InF32IsWithinItsBound) {
  for_each_case([](const LinearCase& c) {
    for (const std::int64_t offset : {0, 1}) expect_right<float, float>(c, offset, device());
  });
}

TEST_P(Linear, InBf16IsWithinItsBound) {
  for_each_case([](const LinearCase& c) {
    for (const std::int64_t offset : {0, 1}) expect_right<bfloat16, bfloat16>(c, offset, device());
  });
}

TEST_P(Linear, FromBf16ToF32IsWithinItsBound) {
  for_each_case([](const LinearCase& c) {
    for (const std::int64_t offset : {0, 1}) expect_right<bfloat16, float>(c, offset, device());
  });
}

TEST_P(Linear, EqualCallsGiveEqualBits) {
  const LinearCase c{600, 24, 40, Activation::Gelu};
  const Inputs<float> inputs(c);
  const OneUse<float, float> once(c, inputs, 0, Accumulate::Overwrite, device()),
      again(c, inputs, 0, Accumulate::Overwrite, device());
  EXPECT_TRUE(test::equal_bits(once.out.to_vector<float>(), again.out.to_vector<float>()));
  EXPECT_TRUE(test::equal_bits(once.grad_x.to_vector<float>(), again.grad_x.to_vector<float>()));
  EXPECT_TRUE(test::equal_bits(once.grad_weight.to_vector<float>(), again.grad_weight.to_vector<float>()));
  EXPECT_TRUE(test::equal_bits(once.grad_bias.to_vector<float>(), again.grad_bias.to_vector<float>()));
}

// A router's score must not change with the other tokens of the batch.
TEST_P(Linear, OneOutputOfARowDoesNotDependOnTheOthers) {
  constexpr std::int64_t kRows = 70, kIn = 136;
  const Tensor x = Tensor::from(Shape{kRows, kIn}, test::random_values(kRows * kIn, 45), device()),
               weight = Tensor::from(Shape{1, kIn}, test::random_values(kIn, 46), device());
  const std::vector<float> all = linear(x, weight, Tensor()).to_vector<float>();
  for (const std::int64_t begin : {std::int64_t{0}, std::int64_t{3}, std::int64_t{69}}) {
    const Tensor one = linear(x.slice(begin * kIn, Shape{1, kIn}), weight, Tensor());
    EXPECT_TRUE(test::equal_bits(one.to_vector<float>(), {all[static_cast<std::size_t>(begin)]}));
  }
}

// Rows that fill no block of threads: the threads without a row leave what lies behind alone.
TEST_P(Linear, OneOutputWritesItsRowsAndNothingElse) {
  constexpr std::int64_t kRows = 13, kIn = 20;
  constexpr float kBegin = 7.0F;
  const Tensor x = Tensor::from(Shape{kRows, kIn}, std::vector<float>(kRows * kIn, 1.0F), device()),
               weight = Tensor::from(Shape{1, kIn}, std::vector<float>(kIn, 1.0F), device());
  const test::GuardedBuffer out(Shape{kRows, 1}, kBegin, DType::F32, {device()}),
      slope(Shape{kRows, 1}, kBegin, DType::F32, {device()});
  on_queue_of(device(), [&](auto queue) {
    kernel::linear<float>(queue, x.view<const float>(), weight.view<const float>(), {}, Activation::Relu,
                          out.gradient.view<float>(), slope.gradient.view<float>());
  });
  EXPECT_TRUE(test::equal_bits(out.gradient.to_vector<float>(), std::vector<float>(kRows, kIn)));
  EXPECT_TRUE(test::equal_bits(slope.gradient.to_vector<float>(), std::vector<float>(kRows, 1.0F)));
  out.expect_untouched_outside(kBegin);
  slope.expect_untouched_outside(kBegin);
}

// Through the op and the tape, without a wait: what is freed on the way is still needed by queued work.
TEST_P(Linear, TheTapeGetsWhatItWants) {
  const LinearCase c{70, 12, 9, Activation::Gelu};
  const Inputs<bfloat16> inputs(c);
  const Tensor x = Tensor::from(Shape{c.rows, c.in}, inputs.x, device()),
               bias = Tensor::from(Shape{c.out}, inputs.bias, device()),
               flows_in = Tensor::from(Shape{c.rows, c.out}, rounded<bfloat16>(inputs.grad_out), device());
  Tensor weight = Tensor::from(Shape{c.out, c.in}, inputs.weight, device());
  const Tensor grad_weight = Tensor::empty(weight.shape(), DType::F32, device());
  weight.set_grad_slot(std::make_shared<GradSlot>(grad_weight));
  std::int64_t waits = host_waits();
  const Tensor out = linear(x, weight, bias, c.activation);
  EXPECT_EQ(host_waits(), waits);
  Tensor end = Tensor::empty(Shape{1}, DType::F32, device());
  record("end", {&out}, end, [&](const Tensor&, const InputGrads& grads) {
    waits = host_waits();  // the tape's own start is not linear's
    grads.add(0, flows_in);
  });
  backward(end);
  EXPECT_EQ(host_waits(), waits);
  const test::LinearReference want = inputs.reference(c, test::kBf16Epsilon);
  EXPECT_TRUE(test::within(out, want.out));
  EXPECT_TRUE(test::within(grad_weight, want.grad_weight));
}

ON_EVERY_DEVICE(Linear);

}  // namespace
}  // namespace isobath
