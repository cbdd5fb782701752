#include "gpu/layer_norm_reference.hpp"

#include "ops/layer_norm/layer_norm.hpp"

namespace isobath::test {
namespace {

constexpr double u = kEpsilon;

// One row, its normalised elements and their errors.
struct Row {
  double mean, mean_error, rstd, rstd_error;  // the last one relative
  std::vector<double> n, n_error;
};

Row normalise(const LayerNormProblem& problem, std::int64_t index) {
  const double* x = problem.x.data() + index * problem.columns;
  const double count = static_cast<double>(problem.columns), g = (count + 8.0) * u;
  double sum = 0.0, magnitude = 0.0, square = 0.0;
  for (std::int64_t c = 0; c < problem.columns; ++c) sum += x[c], magnitude += std::abs(x[c]);
  Row row;
  row.mean = sum / count;
  row.mean_error = g * magnitude / count;
  for (std::int64_t c = 0; c < problem.columns; ++c) square += (x[c] - row.mean) * (x[c] - row.mean);
  row.rstd = 1.0 / std::sqrt(square / count + static_cast<double>(kLayerNormEpsilon));
  row.rstd_error = 0.5 * (g + row.mean_error * row.mean_error * row.rstd * row.rstd) + 4.0 * u;
  for (std::int64_t c = 0; c < problem.columns; ++c) {
    row.n.push_back((x[c] - row.mean) * row.rstd);
    row.n_error.push_back(row.mean_error * row.rstd + std::abs(row.n.back()) * (row.rstd_error + 2.0 * u));
  }
  return row;
}

void forward(const LayerNormProblem& problem, const Row& row, LayerNormReference& out) {
  out.mean.append(row.mean, row.mean_error);
  out.rstd.append(row.rstd, row.rstd * row.rstd_error);
  for (std::int64_t c = 0; c < problem.columns; ++c) {
    const auto i = static_cast<std::size_t>(c);
    const double scaled = row.n[i] * problem.gain[i], value = scaled + problem.shift[i];
    const double error = std::abs(problem.gain[i]) * row.n_error[i] + 2.0 * u * (std::abs(scaled) + std::abs(value));
    out.out.append(value, error + problem.rounding_of_result * std::abs(value));
  }
}

void backward(const LayerNormProblem& problem, const Row& row, std::int64_t index, LayerNormReference& out) {
  const double* grad = problem.grad_out.data() + index * problem.columns;
  const double count = static_cast<double>(problem.columns), g = (count + 8.0) * u,
               rows = static_cast<double>(problem.rows);
  double d_sum = 0.0, d_size = 0.0, dn_sum = 0.0, dn_size = 0.0, dn_error = 0.0;
  for (std::size_t i = 0; i < row.n.size(); ++i) {
    const double d = grad[i] * problem.gain[i], dn = d * row.n[i];
    d_sum += d, d_size += std::abs(d), dn_sum += dn, dn_size += std::abs(dn);
    dn_error += std::abs(d) * row.n_error[i];
    out.grad_gain.value[i] += grad[i] * row.n[i];
    out.grad_gain.error[i] += std::abs(grad[i]) * (row.n_error[i] + (rows + 8.0) * u * std::abs(row.n[i]));
    out.grad_shift.value[i] += grad[i];
    out.grad_shift.error[i] += (rows + 8.0) * u * std::abs(grad[i]);
  }
  const double average_d = d_sum / count, average_dn = dn_sum / count;
  const double average_d_error = g * d_size / count, average_dn_error = (g * dn_size + dn_error) / count;
  for (std::size_t i = 0; i < row.n.size(); ++i) {
    const double d = grad[i] * problem.gain[i], inner = d - average_d - row.n[i] * average_dn;
    const double size = std::abs(d) + std::abs(average_d) + std::abs(row.n[i] * average_dn);
    const double inner_error = average_d_error + std::abs(row.n[i]) * average_dn_error +
                               row.n_error[i] * std::abs(average_dn) + 4.0 * u * size;
    const double value = row.rstd * inner;
    out.grad_x.append(value, row.rstd * (inner_error + std::abs(inner) * (row.rstd_error + 2.0 * u)) +
                                 problem.rounding_of_result * std::abs(value));
  }
}

}  // namespace

LayerNormReference reference_of(const LayerNormProblem& problem) {
  LayerNormReference out;
  const auto columns = static_cast<std::size_t>(problem.columns);
  out.grad_gain = out.grad_shift = {std::vector<double>(columns), std::vector<double>(columns)};
  for (std::int64_t index = 0; index < problem.rows; ++index) {
    const Row row = normalise(problem, index);
    forward(problem, row, out);
    backward(problem, row, index, out);
  }
  return out;
}

}  // namespace isobath::test
