#include <algorithm>
#include <cmath>

#include "ops/adamw/adamw.hpp"
#include "ops/core/threads.hpp"

namespace isobath::kernel {
namespace {

// Elements that are worth a thread; a piece of a range starts at a multiple of kPiece from the range's begin, so that
// no element's bits depend on where threads divide the work.
constexpr std::int64_t kPiece = 1 << 12;

std::int64_t pieces_of(const AdamWRange& range) { return (range.end - range.begin + kPiece - 1) / kPiece; }

struct Factors {
  float scale, beta1, beta2, one_minus_beta1, one_minus_beta2, step, root_correction, epsilon;
  double learning_rate;

  Factors(const AdamWSettings& settings, View<const double> control)
      : scale(static_cast<float>(control[kGradientScale])),
        beta1(settings.beta1),
        beta2(settings.beta2),
        one_minus_beta1(static_cast<float>(1.0 - static_cast<double>(settings.beta1))),
        one_minus_beta2(static_cast<float>(1.0 - static_cast<double>(settings.beta2))),
        step(static_cast<float>(control[kLearningRate] / (1.0 - std::pow(settings.beta1, control[kUpdateIndex])))),
        root_correction(static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(settings.beta2, control[kUpdateIndex])))),
        epsilon(settings.epsilon),
        learning_rate(control[kLearningRate]) {}
};

void update(const AdamWBuffers& buffers, const Factors& factors, AdamWRange piece) {
  float *weights = buffers.weights.data, *first = buffers.first.data, *second = buffers.second.data;
  const float* gradients = buffers.gradients.data;
  const Factors f = factors;
  const auto decay = static_cast<float>(f.learning_rate * piece.weight_decay);
  const float step = f.step * piece.rate;
#pragma omp simd
  for (std::int64_t i = piece.begin; i < piece.end; ++i) {
    const float gradient = gradients[i] * f.scale;
    const float m = f.beta1 * first[i] + f.one_minus_beta1 * gradient;
    const float v = f.beta2 * second[i] + f.one_minus_beta2 * gradient * gradient;
    first[i] = m;
    second[i] = v;
    weights[i] -= decay * weights[i] + step * m / (std::sqrt(v) * f.root_correction + f.epsilon);
  }
}

}  // namespace

void adamw(CpuQueue, AdamWBuffers buffers, std::span<const AdamWRange> ranges, const AdamWSettings& settings,
           View<const double> control) {
  if (control[kGo] == 0.0) return;
  const Factors factors(settings, control);
  std::int64_t pieces = 0;
  for (const AdamWRange& range : ranges) pieces += pieces_of(range);
  parallel_for(pieces, 2, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t before = 0;  // pieces of the ranges already passed
    for (const AdamWRange& range : ranges) {
      const std::int64_t count = pieces_of(range);
      for (std::int64_t piece = std::max(begin - before, std::int64_t{0}); piece < std::min(end - before, count);
           ++piece) {
        const std::int64_t from = range.begin + piece * kPiece;
        update(buffers, factors, {from, std::min(range.end, from + kPiece), range.weight_decay, range.rate});
      }
      before += count;
    }
  });
}

}  // namespace isobath::kernel
