#include "trainer/optim/optimizer.hpp"

#include <algorithm>

#include "ops/step_control/step_control.hpp"
#include "ops/sum_of_squares/sum_of_squares.hpp"

namespace isobath {
namespace {

float decay_of(WeightDecay decay, const OptimConfig& config) {
  const bool decays = decay == WeightDecay::Yes || (decay == WeightDecay::Embedding && config.decay_embeddings);
  return decays ? static_cast<float>(config.weight_decay) : 0.0F;
}

}  // namespace

Optimizer::Optimizer(const RunConfig& config, FlatParameters& parameters, const FlatShard& shard, Communicator& ranks)
    : parameters_(parameters),
      shard_(shard),
      ranks_(ranks),
      settings_{static_cast<float>(config.optim.beta1), static_cast<float>(config.optim.beta2),
                static_cast<float>(config.optim.epsilon)},
      max_norm_(config.optim.clip_norm),
      predictor_rate_(config.depth.mixture_of_depths.predictor_lr_scale),
      first_(Tensor::zeros({shard.total()}, DType::F32, parameters.values().device())),
      second_(Tensor::zeros({shard.total()}, DType::F32, parameters.values().device())) {
  for (const ShardSegment& segment : shard.segments())
    parts_.push_back({segment, ranges_within(segment, config.optim)});
}

std::vector<AdamWRange> Optimizer::ranges_within(const ShardSegment& segment, const OptimConfig& config) const {
  const std::int64_t group = parameters_.layout().group(segment.group).begin;
  std::vector<AdamWRange> ranges;
  for (const auto& [range, decay, rate] : parameters_.layout().update_ranges(segment.group)) {
    const std::int64_t begin = std::max(group + range.begin, segment.flat.begin);
    const std::int64_t end = std::min(group + range.end, segment.flat.end);
    if (begin < end)
      ranges.push_back({begin - segment.flat.begin, end - segment.flat.begin, decay_of(decay, config), rate});
  }
  return ranges;
}

void Optimizer::step(const StepTotals& totals, const GradientReducer& reducer, double learning_rate,
                     std::int64_t update_index, double loss_limit) {
  find_norms(totals, reducer);
  for (const ParameterGroup group : {ParameterGroup::Main, ParameterGroup::Predictor}) {
    const double rate = learning_rate * (group == ParameterGroup::Predictor ? predictor_rate_ : 1.0);
    step_control(totals.squares(group), totals.loss(), {rate, max_norm_, update_index, loss_limit},
                 totals.control(group));
  }
  std::vector<Collective> gathers;  // a bucket's weights travel while the next bucket is updated
  for (const Part& part : parts_) {
    update(part, totals, reducer);
    if (!shard_.is_divided()) continue;
    const FlatRange whole = parameters_.layout().buckets()[part.where.bucket].range;
    gathers.push_back(ranks_.all_gather(parameters_.part(parameters_.values(), part.where.flat),
                                        parameters_.part(parameters_.values(), whole)));
  }
  for (Collective& gather : gathers) gather.before_work_on(parameters_.values().device());
  parameters_.refresh_operands();
}

void Optimizer::find_norms(const StepTotals& totals, const GradientReducer& reducer) {
  for (const Part& part : parts_)
    sum_of_squares(reducer.sums(part.where), totals.squares(part.where.group), Accumulate::Add);
  if (shard_.is_divided()) ranks_.all_reduce(totals.all_squares(), Reduce::Sum).before_work_on(first_.device());
}

void Optimizer::update(const Part& part, const StepTotals& totals, const GradientReducer& reducer) {
  adamw(parameters_.part(parameters_.values(), part.where.flat), reducer.sums(part.where),
        parameters_.part(first_, part.where.held), parameters_.part(second_, part.where.held), part.ranges, settings_,
        totals.control(part.where.group));
}

}  // namespace isobath
