// What holds bit for bit.

#include "attention/problem.hpp"
#include "ops/core/threads.hpp"

namespace isobath::test {
namespace {

constexpr int kHeads = 2;

Tensor rows_of(const Tensor& tensor, std::int64_t begin, std::int64_t end) {
  return tensor.slice(begin * tensor.dim(1), {end - begin, tensor.dim(1)});
}

void expect_same(const Result& a, const Result& b) {
  EXPECT_TRUE(same_bits(a.out, b.out)) << "out";
  EXPECT_TRUE(same_bits(a.grad_q, b.grad_q)) << "grad_q";
  EXPECT_TRUE(same_bits(a.grad_k, b.grad_k)) << "grad_k";
  EXPECT_TRUE(same_bits(a.grad_v, b.grad_v)) << "grad_v";
}

TEST(AttentionLaws, AFutureKeyOrValueChangesNoEarlierOutput) {
  constexpr std::int64_t kLength = 150;
  const Problem problem = make_problem(RowSet::all(1, kLength), RowSet::all(1, kLength), kHeads, 32, 1);
  const Tensor before = forward(problem);
  for (const std::int64_t changed : {1, 11, 12, 63, 64, 65, 100, 149}) {
    Problem other = problem;
    for (std::int64_t i = changed * other.columns(); i < (changed + 1) * other.columns(); ++i) {
      other.k[static_cast<std::size_t>(i)] *= -50.0F;
      other.v[static_cast<std::size_t>(i)] += 1e6F;
    }
    const Tensor after = forward(other);
    EXPECT_TRUE(same_bits(rows_of(before, 0, changed), rows_of(after, 0, changed))) << "position " << changed;
    EXPECT_FALSE(same_bits(rows_of(before, changed, changed + 1), rows_of(after, changed, changed + 1)));
  }
}

// The mirror image: what a query asks for changes no gradient of a key behind it.
TEST(AttentionLaws, AnEarlierQueryChangesNoGradientOfALaterKey) {
  constexpr std::int64_t kLength = 150, kChanged = 70;
  const Problem problem = make_problem(RowSet::all(1, kLength), RowSet::all(1, kLength), kHeads, 32, 2);
  Problem other = problem;
  for (std::int64_t i = kChanged * other.columns(); i < (kChanged + 1) * other.columns(); ++i)
    other.grad_out[static_cast<std::size_t>(i)] *= -30.0F;
  const Result before = run(problem), after = run(other);
  for (const auto gradient : {&Result::grad_k, &Result::grad_v}) {
    EXPECT_TRUE(
        same_bits(rows_of(before.*gradient, kChanged + 1, kLength), rows_of(after.*gradient, kChanged + 1, kLength)));
    EXPECT_FALSE(same_bits(rows_of(before.*gradient, 0, kChanged + 1), rows_of(after.*gradient, 0, kChanged + 1)));
  }
}

TEST(AttentionLaws, CausalityHoldsByOriginalPositionInRaggedSets) {
  std::mt19937 random(7);
  const RowSet queries = choose(Choice::Half, 2, 90, random), keys = choose(Choice::Half, 2, 90, random);
  const Problem problem = make_problem(queries, keys, kHeads, 16, 3);
  const std::vector<Place> query_places = places(queries), key_places = places(keys);
  const Tensor before = forward(problem);
  for (std::size_t changed = 0; changed < key_places.size(); changed += 7) {
    Problem other = problem;
    for (std::int64_t d = 0; d < other.columns(); ++d)
      other.v[changed * static_cast<std::size_t>(other.columns()) + static_cast<std::size_t>(d)] += 100.0F;
    const Tensor after = forward(other);
    for (std::size_t i = 0; i < query_places.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      const bool sees = query_places[i].sequence == key_places[changed].sequence &&
                        query_places[i].position >= key_places[changed].position;
      EXPECT_EQ(bool(same_bits(rows_of(before, row, row + 1), rows_of(after, row, row + 1))), !sees)
          << "query " << i << ", key " << changed;
    }
  }
}

// `Listed` names every row; the identity must not be computed differently.
TEST(AttentionLaws, TheSetOfAllRowsEqualsTheIdentity) {
  std::mt19937 random(1);
  const RowSet listed = choose(Choice::Listed, 2, 100, random), all = RowSet::all(2, 100);
  const Result identity = run(make_problem(all, all, kHeads, 40, 4));
  expect_same(identity, run(make_problem(listed, listed, kHeads, 40, 4)));
  expect_same(identity, run(make_problem(listed, all, kHeads, 40, 4)));
  expect_same(identity, run(make_problem(all, listed, kHeads, 40, 4)));
}

// Chosen rows that attend among themselves are a shorter dense sequence: only their order counts.
TEST(AttentionLaws, AnEqualSubsetOnBothSidesEqualsAShorterDenseSequence) {
  constexpr std::int64_t kChosen = 30;
  std::vector<std::int32_t> rows;
  for (std::int32_t sequence = 0; sequence < 2; ++sequence)
    for (std::int32_t i = 0; i < kChosen; ++i) rows.push_back(sequence * 240 + 8 * i + (i % 3));
  const RowSet chosen = RowSet::from_rows(rows, 2, 240), dense = RowSet::all(2, kChosen);
  expect_same(run(make_problem(chosen, chosen, kHeads, 64, 5)), run(make_problem(dense, dense, kHeads, 64, 5)));
}

TEST(AttentionLaws, SequencesOfABatchDoNotInfluenceEachOther) {
  constexpr std::int64_t kLength = 70;
  const std::int64_t order[] = {2, 0, 1};
  const Problem problem = make_problem(RowSet::all(3, kLength), RowSet::all(3, kLength), kHeads, 24, 6);
  Problem permuted = problem;
  const auto part = static_cast<std::size_t>(kLength * problem.columns());
  for (std::size_t to = 0; to < 3; ++to)
    for (const auto values : {&Problem::q, &Problem::k, &Problem::v, &Problem::grad_out})
      std::copy_n((problem.*values).begin() + static_cast<std::ptrdiff_t>(part) * order[to], part,
                  (permuted.*values).begin() + static_cast<std::ptrdiff_t>(part * to));
  const Result plain = run(problem), result = run(permuted);
  for (std::int64_t to = 0; to < 3; ++to)
    for (const auto tensor : {&Result::out, &Result::grad_q, &Result::grad_k, &Result::grad_v})
      EXPECT_TRUE(same_bits(rows_of(result.*tensor, to * kLength, (to + 1) * kLength),
                            rows_of(plain.*tensor, order[to] * kLength, (order[to] + 1) * kLength)));
}

class Threads {
 public:
  explicit Threads(int count) : before_(kernel_threads()) { set_kernel_threads(count); }
  ~Threads() { set_kernel_threads(before_); }

 private:
  int before_;
};

// One head alone is cut among the threads, in the backward pass into separate tasks for queries and keys.
TEST(AttentionLaws, BitsDoNotDependOnTheNumberOfThreads) {
  std::mt19937 random(9);
  std::vector<Problem> problems;
  problems.push_back(make_problem(RowSet::all(1, 300), RowSet::all(1, 300), 1, 64, 8));
  problems.push_back(make_problem(RowSet::all(3, 131), RowSet::all(3, 131), 2, 33, 9));
  problems.push_back(make_problem(choose(Choice::Few, 2, 900, random), RowSet::all(2, 900), 1, 16, 10));
  problems.push_back(make_problem(RowSet::all(2, 700), choose(Choice::Few, 2, 700, random), 1, 16, 11));
  for (const Problem& problem : problems) {
    const Threads single(1);
    const Result alone = run(problem);
    for (const int count : {2, 3, 5}) {
      SCOPED_TRACE(testing::Message() << count << " threads");
      const Threads several(count);
      expect_same(alone, run(problem));
    }
  }
}

}  // namespace
}  // namespace isobath::test
