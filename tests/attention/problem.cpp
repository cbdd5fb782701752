#include "attention/problem.hpp"

#include <cmath>

namespace isobath::test {
namespace {

std::int64_t draw(std::mt19937& random, std::int64_t count) { return static_cast<std::int64_t>(random()) % count; }

// One query with the keys it sees; element (row, d) of a head's columns.
struct Row {
  const Problem& problem;
  std::int64_t query, head;
  std::vector<std::int64_t> keys;
  double scale = 1.0 / std::sqrt(static_cast<double>(problem.width));

  std::size_t at(std::int64_t row, std::int64_t d) const {
    return static_cast<std::size_t>(row * problem.columns() + head * problem.width + d);
  }
  std::size_t at_key(std::int64_t row, std::int64_t d) const {
    return static_cast<std::size_t>(row * (problem.columns() / problem.group) + head / problem.group * problem.width +
                                    d);
  }
  template <class Term>
  double over_width(Term&& term) const {
    double sum = 0.0;
    for (std::int64_t d = 0; d < problem.width; ++d) sum += term(d);
    return sum;
  }
  double score(std::int64_t key) const {
    return scale * over_width([&](auto d) { return double(problem.q[at(query, d)]) * problem.k[at_key(key, d)]; });
  }
  std::vector<double> probabilities() const {
    std::vector<double> p;
    double largest = -INFINITY, sum = 0.0;
    for (const auto key : keys) largest = std::max(largest, p.emplace_back(score(key)));
    for (double& value : p) sum += value = std::exp(value - largest);
    for (double& value : p) value /= sum;
    return p;
  }
};

void add_row(const Row& row, Expected& expected) {
  const Problem& in = row.problem;
  const std::vector<double> p = row.probabilities();
  std::vector<double> slope, slope_size;  // <grad_out, v> of each key
  double delta = 0.0, delta_size = 0.0;
  for (std::size_t j = 0; j < p.size(); ++j) {
    const auto term = [&](std::int64_t d) {
      return double(in.grad_out[row.at(row.query, d)]) * in.v[row.at_key(row.keys[j], d)];
    };
    delta += p[j] * slope.emplace_back(row.over_width(term));
    delta_size += p[j] * slope_size.emplace_back(row.over_width([&](auto d) { return std::abs(term(d)); }));
  }
  for (std::size_t j = 0; j < p.size(); ++j)
    for (std::int64_t d = 0; d < in.width; ++d) {
      const auto query_at = static_cast<std::int64_t>(row.at(row.query, d));
      const auto key_at = static_cast<std::int64_t>(row.at_key(row.keys[j], d));
      const auto add = [&](Sums& sums, std::int64_t at, double factor, double size, double value) {
        sums.add(at, factor * value, size * std::abs(value));
      };
      const double factor = row.scale * p[j] * (slope[j] - delta),
                   size = row.scale * p[j] * (slope_size[j] + delta_size);
      add(expected.out, query_at, p[j], p[j], in.v[static_cast<std::size_t>(key_at)]);
      add(expected.grad_v, key_at, p[j], p[j], in.grad_out[static_cast<std::size_t>(query_at)]);
      add(expected.grad_q, query_at, factor, size, in.k[static_cast<std::size_t>(key_at)]);
      add(expected.grad_k, key_at, factor, size, in.q[static_cast<std::size_t>(query_at)]);
    }
}

}  // namespace

RowSet choose(Choice choice, std::int64_t batch, std::int64_t length, std::mt19937& random) {
  if (choice == Choice::All) return RowSet::all(batch, length);
  std::vector<std::int32_t> rows;
  for (std::int64_t row = 0; row < batch * length; ++row) {
    const std::int64_t one_in = choice == Choice::Listed ? 1 : choice == Choice::Half ? 2 : 8;
    if (choice != Choice::None && draw(random, one_in) == 0) rows.push_back(static_cast<std::int32_t>(row));
  }
  return RowSet::from_rows(rows, batch, length);
}

Problem make_problem(RowSet queries, RowSet keys, int heads, std::int64_t width, std::uint64_t seed, int group) {
  Problem problem{std::move(queries), std::move(keys), heads, width, {}, {}, {}, {}, group};
  problem.q = random_values(problem.query_shape().count(), seed * 4 + 0);
  problem.k = random_values(problem.key_shape().count(), seed * 4 + 1);
  problem.v = random_values(problem.key_shape().count(), seed * 4 + 2);
  problem.grad_out = random_values(problem.query_shape().count(), seed * 4 + 3);
  return problem;
}

Problem random_problem(std::uint64_t seed, int group) {
  std::mt19937 random(static_cast<std::uint32_t>(seed));
  constexpr std::int64_t kWidths[] = {1, 3, 8, 15, 16, 17, 32, 33, 48, 64, 80, 128, 256};
  constexpr Choice kChoices[] = {Choice::All, Choice::Listed, Choice::Half, Choice::Few, Choice::None};
  const std::int64_t batch = 1 + draw(random, 3), length = 1 + draw(random, 80);
  const auto heads = static_cast<int>(1 + draw(random, 3)) * group;
  const std::int64_t width = kWidths[draw(random, std::size(kWidths))];
  const RowSet queries = choose(kChoices[draw(random, 5)], batch, length, random);
  const RowSet keys = draw(random, 3) == 0 ? queries : choose(kChoices[draw(random, 5)], batch, length, random);
  return make_problem(queries, keys, heads, width, seed, group);
}

std::vector<Place> places(const RowSet& rows) {
  std::vector<Place> out;
  if (rows.is_all()) {
    for (std::int64_t row = 0; row < rows.total(); ++row) out.push_back({row / rows.length(), row % rows.length()});
    return out;
  }
  for (const std::int32_t row : rows.rows().to_vector<std::int32_t>())
    out.push_back({row / rows.length(), row % rows.length()});
  return out;
}

Expected reference(const Problem& in) {
  const std::int64_t query_count = in.query_shape().count(), key_count = in.key_shape().count();
  Expected expected{Sums(query_count), Sums(query_count), Sums(key_count), Sums(key_count), 0.0};
  const std::vector<Place> queries = places(in.queries), keys = places(in.keys);
  for (std::size_t i = 0; i < queries.size(); ++i)
    for (std::int64_t head = 0; head < in.heads; ++head) {
      Row row{in, static_cast<std::int64_t>(i), head, {}};
      for (std::size_t j = 0; j < keys.size(); ++j)
        if (keys[j].sequence == queries[i].sequence && keys[j].position <= queries[i].position)
          row.keys.push_back(static_cast<std::int64_t>(j));
      add_row(row, expected);
    }
  // A score of products of values in [-1, 1] is at most sqrt(D) and wrong by D + 2 roundings of that (the sum, the
  // scale and its rounding); e^score and the normalisation double it and add a sum of n terms and some 8 roundings of
  // the exponential, logarithm and division. A gradient adds sums over D (slopes and delta) and over n rows
  // of each head of a group.
  const auto width = static_cast<double>(in.width);
  const auto rows = static_cast<double>(std::max(in.queries.length(), in.keys.length()));
  expected.relative = kEpsilon * (2.0 * (width + 2.0) * std::sqrt(width) + 2.0 * in.group * rows + 2.0 * width + 16.0);
  return expected;
}

Result run(const Problem& problem) {
  clear_tape();
  const LeafTensor q = make_leaf(problem.query_shape(), problem.q), k = make_leaf(problem.key_shape(), problem.k),
                   v = make_leaf(problem.key_shape(), problem.v);
  const Tensor out = attention(q.value, k.value, v.value, problem.queries, problem.keys, problem.heads, Mask::Causal);
  backward(project({out}, problem.grad_out));
  return {out, q.gradient, k.gradient, v.gradient};
}

Tensor forward(const Problem& problem) {
  return attention(Tensor::from(problem.query_shape(), problem.q), Tensor::from(problem.key_shape(), problem.k),
                   Tensor::from(problem.key_shape(), problem.v), problem.queries, problem.keys, problem.heads,
                   Mask::Causal);
}

::testing::AssertionResult within(const Tensor& got, const Sums& want, Bound bound) {
  const std::vector<double> values = to_doubles(got);
  if (values.size() != want.value.size())
    return ::testing::AssertionFailure() << values.size() << " elements, expected " << want.value.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double limit = bound.absolute + bound.relative * want.magnitude[i],
                 error = std::abs(values[i] - want.value[i]);
    if (!(error <= limit))
      return ::testing::AssertionFailure()
             << "element " << i << " is " << values[i] << ", expected " << want.value[i] << " +- " << limit;
  }
  return ::testing::AssertionSuccess();
}

}  // namespace isobath::test
