// layer_norm and its gradients on each device, against double precision with the bound of layer_norm_reference.hpp.

#include "ops/layer_norm/layer_norm.hpp"

#include "gpu/layer_norm_reference.hpp"
#include "gpu/placed_run.hpp"

namespace isobath {
namespace {

using test::LayerNormProblem;
using test::LayerNormReference;
using test::random_values;
using test::reference_of;
using test::rounded;
using test::shifted;
using test::to_doubles;
using test::within;

class LayerNorm : public test::OnDevice {};

// N rows of C elements, `spread` apart, around `center`.
struct Case {
  std::int64_t n, c;
  float spread = 1.0F, center = 0.0F;
};
// A row of one element, of an odd count, of few vectors, of more elements than threads; one row, a block of them, one
// more; a variance that epsilon rules, and one far below the mean's square.
constexpr Case kCases[] = {{3, 1},          {5, 7},          {64, 8},
                           {65, 24},        {130, 96, 3.0F}, {2, 1100},
                           {1, 4096, 2.0F}, {9, 16, 0.003F}, {9, 16, 1.0F, 30.0F}};

/// The inputs as the kernels get them.
template <class T>
struct Inputs {
  std::vector<T> x, grad_out;
  std::vector<float> gain, shift;

  explicit Inputs(const Case& shape)
      : grad_out(rounded<T>(random_values(shape.n * shape.c, 22))),
        gain(random_values(shape.c, 23, 2.0F)),
        shift(random_values(shape.c, 24)) {
    std::vector<float> values = random_values(shape.n * shape.c, 21, shape.spread);
    for (float& value : values) value += shape.center;
    x = rounded<T>(values);
  }

  LayerNormProblem problem(const Case& shape) const {
    const auto widened = [](const std::vector<T>& values) {
      std::vector<double> out;
      for (const T value : values) out.push_back(static_cast<double>(static_cast<float>(value)));
      return out;
    };
    return {shape.n,
            shape.c,
            widened(x),
            to_doubles(gain),
            to_doubles(shift),
            widened(grad_out),
            std::is_same_v<T, bfloat16> ? 0x1p-8 : 0.0};
  }
};

std::string describe(const Case& shape, std::int64_t offset) {
  return text("N ", shape.n, " C ", shape.c, " spread ", shape.spread, " center ", shape.center, " offset ", offset);
}

template <class T>
void expect_forward(const Case& shape, std::int64_t offset, Device device) {
  const Inputs<T> inputs(shape);
  const LayerNormReference want = reference_of(inputs.problem(shape));
  const Tensor x = shifted(Shape{shape.n, shape.c}, inputs.x, offset, device);
  const Tensor gain = shifted(Shape{shape.c}, inputs.gain, offset, device),
               shift = Tensor::from(Shape{shape.c}, inputs.shift, device);
  const Tensor out = Tensor::empty(x.shape(), x.dtype(), device);
  const Tensor mean = Tensor::empty(Shape{shape.n}, DType::F32, device),
               rstd = Tensor::empty(Shape{shape.n}, DType::F32, device);
  on_queue_of(device, [&](auto queue) {
    kernel::layer_norm<T>(queue, x.view<const T>(), gain.view<const float>(), shift.view<const float>(), out.view<T>(),
                          mean.view<float>(), rstd.view<float>());
  });
  EXPECT_TRUE(within(to_doubles(out), want.out)) << describe(shape, offset);
  EXPECT_TRUE(within(to_doubles(mean), want.mean)) << describe(shape, offset);
  EXPECT_TRUE(within(to_doubles(rstd), want.rstd)) << describe(shape, offset);
}

TEST_P(LayerNorm, ForwardIsWithinItsBound) {
  for (const Case& shape : kCases)
    for (const std::int64_t offset : {0, 1}) {
      expect_forward<float>(shape, offset, device());
      expect_forward<bfloat16>(shape, offset, device());
    }
}

/// Tensors of one backward call; gradients begin as `before`.
template <class T>
struct Gradients {
  Tensor x, gain, shift;

  Gradients(const Case& shape, float before, std::int64_t offset, Device device)
      : x(shifted(Shape{shape.n, shape.c}, std::vector<T>(static_cast<std::size_t>(shape.n * shape.c), T(before)),
                  offset, device)),
        gain(Tensor::from(Shape{shape.c}, std::vector<float>(static_cast<std::size_t>(shape.c), before), device)),
        shift(shifted(Shape{shape.c}, std::vector<float>(static_cast<std::size_t>(shape.c), before), offset, device)) {}
};

template <class T>
void run_backward(const Case& shape, Accumulate mode, const Gradients<T>& gradients, Device device) {
  const Inputs<T> inputs(shape);
  const Shape matrix{shape.n, shape.c}, per_row{shape.n}, per_column{shape.c};
  const Tensor x = Tensor::from(matrix, inputs.x, device), grad_out = Tensor::from(matrix, inputs.grad_out, device);
  const Tensor gain = Tensor::from(per_column, inputs.gain, device),
               shift = Tensor::from(per_column, inputs.shift, device);
  const Tensor out = Tensor::empty(matrix, x.dtype(), device),
               partial = Tensor::empty(Shape{layer_norm_blocks(shape.n), 2, shape.c}, DType::F32, device);
  const Tensor mean = Tensor::empty(per_row, DType::F32, device), rstd = Tensor::empty(per_row, DType::F32, device);
  on_queue_of(device, [&](auto queue) {
    kernel::layer_norm<T>(queue, x.view<const T>(), gain.view<const float>(), shift.view<const float>(), out.view<T>(),
                          mean.view<float>(), rstd.view<float>());
    kernel::layer_norm_backward<T>(queue, grad_out.view<const T>(), x.view<const T>(), gain.view<const float>(),
                                   mean.view<const float>(), rstd.view<const float>(), partial.view<float>(),
                                   {{gradients.x.template view<T>(), mode},
                                    {gradients.gain.template view<float>(), mode},
                                    {gradients.shift.template view<float>(), mode}});
  });
}

template <class T>
void expect_backward(const Case& shape, std::int64_t offset, Device device) {
  const LayerNormProblem problem = Inputs<T>(shape).problem(shape);
  const LayerNormReference want = reference_of(problem);
  for (const Accumulate mode : {Accumulate::Overwrite, Accumulate::Add}) {
    constexpr float kBefore = 0.5F;
    const double before = mode == Accumulate::Add ? kBefore : 0.0;
    const Gradients<T> got(shape, kBefore, offset, device);
    run_backward(shape, mode, got, device);
    const double rounding = problem.rounding_of_result + test::kEpsilon;
    EXPECT_TRUE(within(to_doubles(got.x), plus(want.grad_x, before, rounding))) << describe(shape, offset);
    EXPECT_TRUE(within(to_doubles(got.gain), plus(want.grad_gain, before, test::kEpsilon))) << describe(shape, offset);
    EXPECT_TRUE(within(to_doubles(got.shift), plus(want.grad_shift, before, test::kEpsilon)))
        << describe(shape, offset);
  }
}

TEST_P(LayerNorm, GradientsAreWithinTheirBounds) {
  for (const Case& shape : kCases)
    for (const std::int64_t offset : {0, 1}) {
      expect_backward<float>(shape, offset, device());
      expect_backward<bfloat16>(shape, offset, device());
    }
}

TEST_P(LayerNorm, GradientsHaveEqualBitsInEveryRun) {
  const Case shape{200, 40};
  const Gradients<float> once(shape, 0.0F, 0, device()), again(shape, 0.0F, 0, device());
  run_backward(shape, Accumulate::Overwrite, once, device());
  run_backward(shape, Accumulate::Overwrite, again, device());
  EXPECT_TRUE(test::equal_bits(once.x.to_vector<float>(), again.x.to_vector<float>()));
  EXPECT_TRUE(test::equal_bits(once.gain.to_vector<float>(), again.gain.to_vector<float>()));
  EXPECT_TRUE(test::equal_bits(once.shift.to_vector<float>(), again.shift.to_vector<float>()));
}

// Through the op and the tape; what nobody wants is not computed, no rows give gradients of zero.
TEST_P(LayerNorm, TheTapeGetsWhatItWants) {
  for (const std::int64_t n : {std::int64_t{0}, std::int64_t{70}}) {
    const Case shape{n, 12};
    const Inputs<float> inputs(shape);
    const Tensor x = Tensor::from(Shape{n, 12}, inputs.x, device());
    Tensor gain = Tensor::from(Shape{12}, inputs.gain, device()),
           shift = Tensor::from(Shape{12}, inputs.shift, device());
    const Tensor grad_gain = Tensor::empty(gain.shape(), DType::F32, device());
    gain.set_grad_slot(std::make_shared<GradSlot>(grad_gain));
    const Tensor out = layer_norm(x, gain, shift), flows_in = Tensor::from(Shape{n, 12}, inputs.grad_out, device());
    Tensor end = Tensor::empty(Shape{1}, DType::F32, device());
    record("end", {&out}, end, [&](const Tensor&, const InputGrads& grads) { grads.add(0, flows_in); });
    backward(end);
    const LayerNormReference want = reference_of(inputs.problem(shape));
    EXPECT_TRUE(within(to_doubles(out), want.out));
    EXPECT_TRUE(within(to_doubles(grad_gain), want.grad_gain));
  }
}

// One gradient at a time, as when the others' parameters are frozen: the same bits as all together.
TEST_P(LayerNorm, UnwantedGradientsAreNotComputed) {
  const std::vector<test::Input> in{test::random_input(Shape{70, 24}, 1, DType::F32),
                                    test::random_input(Shape{24}, 2, DType::F32),
                                    test::random_input(Shape{24}, 3, DType::F32)};
  const auto all = test::run_placed([](const auto& x) { return layer_norm(x[0], x[1], x[2]); }, in, {device()});
  std::vector<Tensor> frozen;
  for (const test::Input& input : in) frozen.push_back(Tensor::from(input.shape, input.values, device()));
  for (std::size_t wanted = 0; wanted < in.size(); ++wanted) {
    const auto one = test::run_placed(
        [&](const auto& inputs) {
          std::vector<Tensor> mixed = frozen;
          mixed[wanted] = inputs[0];
          return layer_norm(mixed[0], mixed[1], mixed[2]);
        },
        {in[wanted]}, {device()});
    EXPECT_TRUE(test::equal_bits(test::to_floats(one.grads[0]), test::to_floats(all.grads[wanted]))) << wanted;
  }
}

ON_EVERY_DEVICE(LayerNorm);

TEST(LayerNormOnCuda, RefusesRowsBeyondSharedMemory) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU: " << cuda_status();
  const Device device = Device::cuda(0);
  const std::int64_t columns = 60000;
  const Tensor x = Tensor::zeros(Shape{1, columns}, DType::F32, device),
               gain = Tensor::zeros(Shape{columns}, DType::F32, device);
  EXPECT_THROW(layer_norm(x, gain, gain), BackendError);
}

}  // namespace
}  // namespace isobath
