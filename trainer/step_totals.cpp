#include "trainer/step_totals.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/sum/sum.hpp"
#include "ops/tally/tally.hpp"

namespace isobath {
namespace {

constexpr auto kGroups = static_cast<std::int64_t>(kParameterGroups);

}  // namespace

StepTotals::StepTotals(std::int64_t layers, int ranks, Device device)
    : layers_(layers),
      ranks_(ranks),
      values_(Tensor::zeros(Shape{summed() + kGroups * (1 + kAdamWControls)}, DType::F64, device)) {}

void StepTotals::add_loss(const Tensor& loss) { tally(values_, kLoss, loss); }

void StepTotals::add_auxiliary(const Tensor& loss) { tally(values_, kAuxiliary, loss); }

void StepTotals::add_z_loss(const Tensor& loss) {
  add_auxiliary(loss);
  tally(values_, kZLoss, loss);
}

void StepTotals::add_flops(std::int64_t flops) { tally(values_, kFlops, static_cast<double>(flops)); }

void StepTotals::add_recomputed_flops(std::int64_t flops) { tally(values_, kRecomputed, static_cast<double>(flops)); }

void StepTotals::add_routes(const ModelOutput& output, const Tensor& unit, double unit_value) {
  for (const LayerRecord& record : output.routed) {
    const Route& route = record.route;
    const double share = static_cast<double>(route.queries.size()) * unit_value;
    tally(values_, kLayers + record.layer, share);
    if (!route.gates.defined()) {
      tally(values_, kLayers + layers_ + record.layer, share);
      continue;
    }
    tally(values_, kLayers + layers_ + record.layer, sum(route.gates.detached(), 1.0F, unit));
    tally_bins(values_, bins_of(record.layer), route.gates, kGateBins);
  }
}

void StepTotals::add_data(std::int64_t digest) { tally(values_, kData, static_cast<double>(digest)); }

void StepTotals::add_votes(const StepVotes& mine) {
  tally(values_, kStop, static_cast<double>(mine.stop));
  tally(values_, kSaved, static_cast<double>(mine.saved));
  tally(values_, kSaveFailed, static_cast<double>(mine.save_failed));
}

void StepTotals::add_work(int rank, double compute_seconds, std::int64_t active_rows) {
  tally(values_, ranks_begin() + rank, compute_seconds);
  tally(values_, ranks_begin() + ranks_ + rank, static_cast<double>(active_rows));
}

RankBalance StepTotals::Read::balance(int rank, double waited) const {
  std::vector<double> compute = compute_seconds;
  const auto slowest = std::max_element(compute.begin(), compute.end());
  RankBalance out;
  out.compute_max = *slowest;
  out.slowest = static_cast<int>(slowest - compute.begin());
  out.communication = std::max(0.0, waited - (out.compute_max - compute[static_cast<std::size_t>(rank)]));
  std::sort(compute.begin(), compute.end());
  out.compute_min = compute.front();
  out.compute_median = 0.5 * (compute[(compute.size() - 1) / 2] + compute[compute.size() / 2]);
  const double rows = std::accumulate(active_rows.begin(), active_rows.end(), 0.0);
  const double most = *std::max_element(active_rows.begin(), active_rows.end());
  out.active_rows_max = rows > 0 ? most * static_cast<double>(active_rows.size()) / rows : 1.0;
  return out;
}

StepTotals::Read StepTotals::read(const Router& router) const {
  const std::vector<double> values = values_.to_vector<double>();
  const auto at = [&](std::int64_t place) { return values[static_cast<std::size_t>(place)]; };
  const std::int64_t go = summed() + kGroups + kGo;
  Read out;
  out.loss = at(kLoss);
  out.auxiliary = at(kAuxiliary);
  out.z_loss = at(kZLoss);
  out.flops = at(kFlops);
  out.recomputed_flops = at(kRecomputed);
  out.data = static_cast<std::int64_t>(at(kData));
  out.gradient_norm = std::sqrt(at(summed()));
  out.went = at(go) != 0.0;
  out.votes = {static_cast<int>(at(kStop)), static_cast<int>(at(kSaved)), static_cast<int>(at(kSaveFailed))};
  for (std::int64_t layer = 0; layer < layers_; ++layer) {
    const bool routed = router.routes(static_cast<int>(layer));
    out.depth.push_back(routed ? at(kLayers + layer) : 1.0);
    out.gate.push_back(routed ? at(kLayers + layers_ + layer) : 1.0);
    const auto bins = values.begin() + bins_of(layer);
    out.gate_bins.emplace_back(bins, bins + kGateBins);
  }
  for (std::int64_t rank = 0; rank < ranks_; ++rank) {
    out.compute_seconds.push_back(at(ranks_begin() + rank));
    out.active_rows.push_back(at(ranks_begin() + ranks_ + rank));
  }
  return out;
}

}  // namespace isobath
