#include "trainer/sample/sample.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/autograd/tape.hpp"
#include "ops/core/random.hpp"

namespace isobath {
namespace {

/// Logits of the token after the last of `window`.
std::vector<float> next_logits(const Replica& replica, const Router& rule, std::span<const std::int32_t> window) {
  const Device device = replica.parameters.values().device();
  const auto length = static_cast<std::int64_t>(window.size());
  const std::int64_t sample_id = 0;
  const Tensor samples = Tensor::from(Shape{1}, std::span<const std::int64_t>(&sample_id, 1), device);
  const ModelInput input{Tensor::from(Shape{length}, window, device), {1, length, 0, samples, {}}};
  const Tensor hidden = replica.model.forward(input, rule, Phase::Evaluation, 0).hidden;
  const std::int64_t channels = hidden.dim(1);
  return replica.model.logits(hidden.slice((length - 1) * channels, Shape{1, channels})).to_vector<float>();
}

/// A token drawn from softmax(logits / temperature) among the `candidates` most likely, by a uniform number in [0, 1).
std::int32_t draw(const std::vector<float>& logits, const SampleOptions& options, double uniform) {
  std::vector<std::int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto logit_of = [&](std::int32_t token) { return logits[static_cast<std::size_t>(token)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t a, std::int32_t b) { return logit_of(a) > logit_of(b); });
  if (options.temperature <= 0.0) return order[0];
  if (options.top_k > 0 && options.top_k < static_cast<std::int64_t>(order.size()))
    order.resize(static_cast<std::size_t>(options.top_k));
  std::vector<double> weights;
  for (const std::int32_t token : order)
    weights.push_back(std::exp((logit_of(token) - logit_of(order[0])) / options.temperature));
  double left = uniform * std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::size_t i = 0; i < order.size(); ++i)
    if ((left -= weights[i]) < 0.0) return order[i];
  return order.back();
}

}  // namespace

std::vector<std::int32_t> sample(const Replica& replica, const Router& rule, std::vector<std::int32_t> prompt,
                                 const SampleOptions& options) {
  require(rule.is_causal(), "sampling by the rule ", rule.rule(), ", which looks at later tokens");
  require(!prompt.empty(), "sampling from an empty prompt");
  const NoGrad no_grad;
  const auto context = static_cast<std::size_t>(replica.model.config().context);
  const auto key = RandomKey{options.seed, Purpose::Sampling, 0, 0}.words();
  const std::size_t given = prompt.size();
  for (std::int64_t i = 0; i < options.tokens; ++i) {
    const std::size_t length = std::min(context, prompt.size());
    const std::vector<float> logits = next_logits(replica, rule, std::span<const std::int32_t>(prompt).last(length));
    const double uniform = to_uniform(draw4(key, static_cast<std::uint64_t>(i), 0, 0)[0]);
    prompt.push_back(draw(logits, options, uniform));
  }
  prompt.erase(prompt.begin(), prompt.begin() + static_cast<std::ptrdiff_t>(given));
  return prompt;
}

}  // namespace isobath
