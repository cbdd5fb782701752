// Pairs counted where the rows lie are those that the host counts.

#include "ops/attention/exact_pairs.hpp"

#include "gpu/devices.hpp"
#include "ops/attention/attention.hpp"
#include "ops/autograd/tape.hpp"

namespace isobath {
namespace {

constexpr std::int64_t kBatch = 3, kLength = 400;

/// Rows i of the batch with i % of[sequence] == 0; none of a sequence with 0.
RowSet every(const std::vector<int>& of, Device device) {
  std::vector<std::int32_t> rows;
  for (std::int64_t i = 0; i < kBatch * kLength; ++i)
    if (const int step = of[static_cast<std::size_t>(i / kLength)]; step > 0 && i % step == 0)
      rows.push_back(static_cast<std::int32_t>(i));
  return RowSet::from_rows(rows, kBatch, kLength, device);
}

struct Sets {
  const char* what;
  std::vector<int> queries, keys;  // empty: all
};
const Sets kSets[] = {{"the same rows, unequal counts", {2, 7, 1}, {2, 7, 1}},
                      {"some rows to all", {3, 0, 5}, {}},
                      {"all rows to some", {}, {0, 4, 9}},
                      {"others to others", {3, 5, 0}, {2, 0, 7}},
                      {"no row", {0, 0, 0}, {}}};

RowSet rows_of(const std::vector<int>& of, Device device) {
  return of.empty() ? RowSet::all(kBatch, kLength) : every(of, device);
}

class Pairs : public test::OnDevice {};

TEST_P(Pairs, AreCountedWhereTheRowsLie) {
  for (const Sets& sets : kSets) {
    const std::int64_t want = visible_pairs(rows_of(sets.queries, Device::cpu()), rows_of(sets.keys, Device::cpu()));
    const Tensor total = Tensor::from(Shape{1}, std::vector<double>{5.0}, device());
    add_visible_pairs(rows_of(sets.queries, device()), rows_of(sets.keys, device()), 3.0, total);
    EXPECT_EQ(total.to_vector<double>()[0], 5.0 + 3.0 * static_cast<double>(want)) << sets.what;
  }
}

// Forward and backward of attention: the ledger and the device together count what the CPU's ledger does.
TEST_P(Pairs, OfAttentionAreNeitherLostNorCountedTwice) {
  constexpr std::int64_t kChannels = 8;
  const auto flops_on = [](const Sets& sets, Device where) {
    clear_tape();
    const RowSet queries = rows_of(sets.queries, where), keys = rows_of(sets.keys, where);
    const auto leaf = [&](std::int64_t rows) {
      Tensor x = Tensor::from(Shape{rows, kChannels}, test::random_values(rows * kChannels, 3), where);
      x.set_grad_slot(std::make_shared<GradSlot>(Tensor::zeros(x.shape(), DType::F32, where)));
      return x;
    };
    const Tensor total = Tensor::zeros(Shape{1}, DType::F64, where);
    const std::int64_t before = ledger().total();
    {
      const ExactPairs exact(total);
      const Tensor out =
          attention(leaf(queries.size()), leaf(keys.size()), leaf(keys.size()), queries, keys, 1, Mask::Causal);
      Tensor end = Tensor::empty(Shape{1}, DType::F32, where);
      record("end", {&out}, end, [&](const Tensor&, const InputGrads& grads) {
        grads.add(0, Tensor::zeros(out.shape(), DType::F32, where));
      });
      backward(end);
    }
    return static_cast<double>(ledger().total() - before) + total.to_vector<double>()[0];
  };
  for (const Sets& sets : kSets) EXPECT_EQ(flops_on(sets, device()), flops_on(sets, Device::cpu())) << sets.what;
}

ON_EVERY_DEVICE(Pairs);

}  // namespace
}  // namespace isobath
