#pragma once
// References that carry their own tolerance: every value in double precision together with a bound on how far f32
// arithmetic may stray from it (running error analysis; Higham, Accuracy and Stability of Numerical Algorithms, 2nd
// ed., 3.3). A sum of K products in any order is off by at most K * 2^-24 times the sum of magnitudes.

#include <cmath>
#include <functional>
#include <vector>

#include "support/compare.hpp"

namespace isobath::test {

inline constexpr double kBf16Epsilon = 0x1p-8;  // largest relative error of one rounding to bf16

/// [rows, columns], row-major.
struct Exact {
  std::int64_t rows = 0, columns = 0;
  std::vector<double> value, error;

  Exact(std::int64_t rows_, std::int64_t columns_)
      : rows(rows_),
        columns(columns_),
        value(static_cast<std::size_t>(rows_ * columns_), 0.0),
        error(value.size(), 0.0) {}
  std::size_t at(std::int64_t row, std::int64_t column) const {
    return static_cast<std::size_t>(row * columns + column);
  }
};

/// The tensor itself, free of error.
inline Exact exact(const Tensor& tensor, std::int64_t rows, std::int64_t columns) {
  Exact out(rows, columns);
  out.value = to_doubles(tensor);
  return out;
}
inline Exact exact(const Tensor& tensor) { return exact(tensor, tensor.dim(0), tensor.dim(1)); }

inline Exact transposed(const Exact& a) {
  Exact out(a.columns, a.rows);
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.columns; ++j) {
      out.value[out.at(j, i)] = a.value[a.at(i, j)];
      out.error[out.at(j, i)] = a.error[a.at(i, j)];
    }
  return out;
}

/// a b, summed in f32.
inline Exact product(const Exact& a, const Exact& b) {
  Exact out(a.rows, b.columns);
  const double depth = static_cast<double>(a.columns) * kEpsilon;
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t k = 0; k < a.columns; ++k) {
      const double x = a.value[a.at(i, k)], size = std::abs(x), reach = size + a.error[a.at(i, k)];
      const double *y = b.value.data() + b.at(k, 0), *dy = b.error.data() + b.at(k, 0);
      double *value = out.value.data() + out.at(i, 0), *error = out.error.data() + out.at(i, 0);
      for (std::int64_t j = 0; j < b.columns; ++j) {
        const double furthest = reach * (std::abs(y[j]) + dy[j]);
        value[j] += x * y[j];
        error[j] += furthest - size * std::abs(y[j]) + depth * furthest;
      }
    }
  return out;
}

/// The sum of each column as [1, columns].
inline Exact column_sums(const Exact& a) {
  Exact ones(1, a.rows);
  for (double& one : ones.value) one = 1.0;
  return product(ones, a);
}

/// Every element rounded once: to f32, or to bf16 with unit kBf16Epsilon.
inline Exact rounded(Exact a, double unit = kEpsilon) {
  for (std::size_t i = 0; i < a.value.size(); ++i) a.error[i] += unit * (std::abs(a.value[i]) + a.error[i]);
  return a;
}

/// a + b; a row vector b is added to every row. Counts `roundings` of them, for a sum that started from b.
inline Exact sum(const Exact& a, const Exact& b, double roundings = 1.0) {
  Exact out = a;
  for (std::size_t i = 0; i < out.value.size(); ++i) {
    const std::size_t other = i % b.value.size();
    const double furthest = std::abs(a.value[i]) + a.error[i] + std::abs(b.value[other]) + b.error[other];
    out.value[i] += b.value[other];
    out.error[i] += b.error[other] + roundings * kEpsilon * furthest;
  }
  return out;
}

inline Exact elementwise_product(const Exact& a, const Exact& b) {
  Exact out(a.rows, a.columns);
  for (std::size_t i = 0; i < out.value.size(); ++i) {
    const double x = a.value[i], y = b.value[i];
    out.value[i] = x * y;
    out.error[i] = (std::abs(x) + a.error[i]) * (std::abs(y) + b.error[i]) - std::abs(x * y);
  }
  return rounded(out);
}

/// f of every element; `steepest` bounds |f'|, and `own(x)` the error of computing f at x.
inline Exact applied(const Exact& a, const std::function<double(double)>& f, double steepest,
                     const std::function<double(double)>& own) {
  Exact out(a.rows, a.columns);
  for (std::size_t i = 0; i < out.value.size(); ++i) {
    out.value[i] = f(a.value[i]);
    out.error[i] = steepest * a.error[i] + own(a.value[i]);
  }
  return out;
}

/// For EXPECT_TRUE(within(...)): every element within its own bound; a NaN never is.
inline ::testing::AssertionResult within(const Tensor& got, const Exact& want) {
  const std::vector<double> values = to_doubles(got);
  if (values.size() != want.value.size())
    return ::testing::AssertionFailure() << values.size() << " elements, expected " << want.value.size();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!(std::abs(values[i] - want.value[i]) <= want.error[i]))
      return ::testing::AssertionFailure()
             << "element " << i << " is " << values[i] << ", expected " << want.value[i] << " within " << want.error[i];
  return ::testing::AssertionSuccess();
}

}  // namespace isobath::test
