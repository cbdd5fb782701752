// Every op over elements and rows, forward and backward: equal bits in every order of threads, and no wait of the host.

#include <cmath>

#include "gpu/placed_run.hpp"
#include "ops/adamw/adamw.hpp"
#include "ops/add/add.hpp"
#include "ops/bce_with_logits/bce_with_logits.hpp"
#include "ops/dropout/dropout.hpp"
#include "ops/embedding/embedding.hpp"
#include "ops/gelu/gelu.hpp"
#include "ops/rms_norm/rms_norm.hpp"
#include "ops/rope/rope.hpp"
#include "ops/scale_rows/scale_rows.hpp"
#include "ops/scatter_add_rows/scatter_add_rows.hpp"
#include "ops/sigmoid/sigmoid.hpp"
#include "ops/sum/sum.hpp"
#include "ops/sum_of_squares/sum_of_squares.hpp"
#include "ops/swiglu/swiglu.hpp"
#include "ops/tally/tally.hpp"
#include "tests/emulated/checks/harness.hpp"

namespace isobath::emulated {
namespace {

using namespace isobath::test;
using test::kOrders;
using test::OrderScope;

using Bits = std::vector<std::vector<float>>;

const Device kDevice = Device::cuda(0);
// 11 heads of 24 channels; a row is more than a warp's packs, and more than one block of a sum.
constexpr std::int64_t kBatch = 2, kLength = 70, kRows = kBatch * kLength, kColumns = 264, kHead = 24;

RowSet some_rows() {
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 1; i < kRows; i += 1 + i % 4) rows.push_back(i);
  return RowSet::from_rows(rows, kBatch, kLength, kDevice);
}

Input matrix(std::uint64_t seed, std::int64_t rows = kRows) {
  return random_input(Shape{rows, kColumns}, seed, DType::F32);
}

Tensor some_ids() {
  std::vector<std::int32_t> ids;
  for (std::int32_t i = 0; i < 300; ++i) ids.push_back(i * i % static_cast<std::int32_t>(kRows));
  return Tensor::from(Shape{300}, ids, kDevice);
}

struct Case {
  const char* name;
  std::vector<Input> inputs;
  PlacedOp op;
};

using In = const std::vector<Tensor>&;

std::vector<Case> cases() {
  const RowSet rows = some_rows();
  const Tensor unit = Tensor::from(Shape{1}, std::vector<float>{0.3F}, kDevice), ids = some_ids(),
               angles = rope_table(kLength, kHead, 100.0, kDevice);
  const DropoutKey key{dropout_keys(1, 2, 1, kDevice), 0,
                       Tensor::from(Shape{kBatch}, std::vector<std::int64_t>{3, 8}, kDevice)};
  const Input gain = random_input(Shape{kColumns}, 3, DType::F32),
              head_gain = random_input(Shape{kHead}, 4, DType::F32), gates = random_input(Shape{kRows}, 5, DType::F32);
  return {{"add", {matrix(1), matrix(2)}, [](In in) { return add(gelu(in[0]), gelu(in[1])); }},
          {"scale_rows", {matrix(1), gates}, [](In in) { return scale_rows(in[0], in[1]); }},
          {"scatter_add_rows",
           {matrix(1), matrix(2, rows.size())},
           [rows](In in) { return scatter_add_rows(gelu(in[0]), in[1], rows); }},
          {"gelu", {matrix(1)}, [](In in) { return gelu(in[0]); }},
          {"sigmoid", {matrix(1)}, [](In in) { return sigmoid(in[0]); }},
          {"swiglu", {matrix(1), matrix(2)}, [](In in) { return swiglu(in[0], in[1]); }},
          {"rms_norm", {matrix(1), gain}, [](In in) { return rms_norm(in[0], in[1]); }},
          {"rms_norm of heads", {matrix(1), head_gain}, [](In in) { return rms_norm(in[0], in[1]); }},
          {"rope", {matrix(1, rows.size())}, [=](In in) { return rope(in[0], angles, rows); }},
          {"dropout", {matrix(1, rows.size())}, [=](In in) { return dropout(in[0], rows, 0.3F, key); }},
          {"embedding", {matrix(1)}, [=](In in) { return embedding(in[0], ids); }},
          {"sum", {matrix(1)}, [=](In in) { return sum(in[0], 0.5F, unit); }},
          {"bce_with_logits", {gates}, [=](In in) { return bce_with_logits(in[0], rows, 0.5F, unit); }}};
}

Bits bits_of(const Case& op, const Placement& where) {
  const PlacedRun run = run_placed(op.op, op.inputs, where);
  EXPECT_LE(run.host_waits, 1) << op.name;  // one: the tape copies its first gradient to the device
  Bits out{to_floats(run.out)};
  for (const Tensor& grad : run.grads) out.push_back(to_floats(grad));
  return out;
}

void expect_equal(const Bits& got, const Bits& want, const std::string& what) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(equal_bits(got[i], want[i])) << what << ", result " << i;
    for (const float value : got[i]) ASSERT_FALSE(std::isnan(value)) << what << ", result " << i;
  }
}

TEST(RowOpsOrders, GiveEqualBits) {
  for (const Case& op : cases())
    for (const std::int64_t offset : {0, 1}) {
      const Placement where{kDevice, offset};
      Bits first;
      for (const auto& order : kOrders) {
        const OrderScope scope(order);
        const Bits now = bits_of(op, where);
        if (first.empty()) first = now;
        expect_equal(now, first, text(op.name, ", ", test::name_of(order), ", ", where));
      }
    }
}

/// What is not recorded on the tape: the optimizer's numbers, and an update by them.
std::vector<double> step_numbers() {
  const std::int64_t count = 9001;
  const auto flat = [&](std::uint64_t seed, float scale) {
    return Tensor::from(Shape{count}, random_values(count, seed, scale), kDevice);
  };
  const Tensor totals = Tensor::from(Shape{9}, std::vector<double>(9, 0.0), kDevice);
  const Tensor weights = flat(1, 1.0F), gradients = flat(2, 1.0F), first = flat(3, 0.1F);
  const Tensor second = Tensor::from(Shape{count}, std::vector<float>(static_cast<std::size_t>(count), 0.1F), kDevice);
  sum_of_squares(gradients, totals.slice(0, Shape{1}));
  tally_bins(totals, 1, flat(4, 1.0F), 8);
  adamw(weights, gradients, first, second, {{0, 4003, 0.1F}, {4003, count, 0.0F}}, {},
        Tensor::from(Shape{4}, std::vector<double>{0.01, 0.5, 3.0, 1.0}, kDevice));
  std::vector<double> out = totals.to_vector<double>();
  for (const Tensor& tensor : {weights, first, second})
    for (const double value : to_doubles(tensor)) out.push_back(value);
  return out;
}

TEST(RowOpsOrders, TheStepsNumbersToo) {
  std::vector<double> first;
  for (const auto& order : kOrders) {
    const OrderScope scope(order);
    const std::vector<double> now = step_numbers();
    if (first.empty()) first = now;
    EXPECT_TRUE(equal_bits(now, first)) << test::name_of(order);
  }
}

}  // namespace
}  // namespace isobath::emulated
