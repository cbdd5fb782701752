#pragma once
// Random attention problems, and what attention has to give for them, in double precision.

#include <random>
#include <vector>

#include "ops/attention/attention.hpp"
#include "support/grad_check.hpp"

namespace isobath::test {

/// How the members of a row set are chosen: every row as the identity, or each row with some probability. `Listed` is
/// every row by explicit indices.
enum class Choice { All, Listed, Half, Few, None };

RowSet choose(Choice choice, std::int64_t batch, std::int64_t length, std::mt19937& random);

/// Inputs of one call. q, k, v, and the weights `grad_out` that flow into the output, uniform in [-1, 1).
struct Problem {
  RowSet queries, keys;
  int heads;
  std::int64_t width;  // D
  std::vector<float> q, k, v, grad_out;
  int group = 1;  // query heads that share a key head

  std::int64_t columns() const { return heads * width; }
  Shape query_shape() const { return {queries.size(), columns()}; }
  Shape key_shape() const { return {keys.size(), columns() / group}; }
};

Problem make_problem(RowSet queries, RowSet keys, int heads, std::int64_t width, std::uint64_t seed, int group = 1);
/// All of it drawn from `seed`: 1 to 3 sequences of 1 to 80 rows, 1 to 3 key heads with `group` query heads each,
/// widths on both sides of every vector length, and any choice of rows.
Problem random_problem(std::uint64_t seed, int group = 1);

/// Sequence and original position of every member of a set.
struct Place {
  std::int64_t sequence, position;
};
std::vector<Place> places(const RowSet& rows);

/// Sums in double, and beside each the sum of the absolute values of its terms, on which rounding errors depend.
struct Sums {
  std::vector<double> value, magnitude;

  explicit Sums(std::int64_t count)
      : value(static_cast<std::size_t>(count), 0.0), magnitude(static_cast<std::size_t>(count), 0.0) {}
  void add(std::int64_t at, double term, double size) {
    value[static_cast<std::size_t>(at)] += term;
    magnitude[static_cast<std::size_t>(at)] += size;
  }
};

struct Expected {
  Sums out, grad_q, grad_k, grad_v;
  double relative;  ///< bound on |error| / magnitude of an f32 result
};
Expected reference(const Problem& problem);

struct Result {
  Tensor out, grad_q, grad_k, grad_v;
};
/// The op forward and backward, with gradient buffers that start as NaN.
Result run(const Problem& problem);
/// The op forward only.
Tensor forward(const Problem& problem);

/// |got - value| <= bound.absolute + bound.relative * magnitude everywhere; where nothing contributes and the bound is
/// only relative, exactly zero.
::testing::AssertionResult within(const Tensor& got, const Sums& want, Bound bound);

}  // namespace isobath::test
