#pragma once
// AdamW in double precision: the paper's algorithm 2 with the schedule multiplied into both terms.

#include "ops/adamw/adamw.hpp"
#include "support/compare.hpp"

namespace isobath::test {

struct AdamWReference {
  std::vector<double> weights, gradients, first, second;

  void update(const std::vector<AdamWRange>& ranges, double rate, double scale, double index) {
    const AdamWSettings settings;
    const double beta1 = settings.beta1, beta2 = settings.beta2;
    for (const AdamWRange& range : ranges)
      for (auto i = static_cast<std::size_t>(range.begin); i < static_cast<std::size_t>(range.end); ++i) {
        const double gradient = gradients[i] * scale;
        first[i] = beta1 * first[i] + (1.0 - beta1) * gradient;
        second[i] = beta2 * second[i] + (1.0 - beta2) * gradient * gradient;
        const double m = first[i] / (1.0 - std::pow(beta1, index)), v = second[i] / (1.0 - std::pow(beta2, index));
        weights[i] -= rate * (range.rate * m / (std::sqrt(v) + settings.epsilon) + range.weight_decay * weights[i]);
      }
  }
};

}  // namespace isobath::test
