#pragma once
// The numbers of a step gather in one small f64 tensor on the device; what ranks must sum is reduced in one collective,
// and the host reads everything once, after the step.

#include <vector>

#include "ops/adamw/adamw.hpp"
#include "ops/autograd/parameter.hpp"
#include "parallel/communicator.hpp"
#include "trainer/metrics/step_report.hpp"
#include "trainer/model/transformer.hpp"

namespace isobath {

class StepTotals {
 public:
  StepTotals(std::int64_t layers, int ranks, Device device);

  /// Forgets the last step.
  void begin() { values_.fill_zero(); }
  /// Adds a scalar f32 [1]: the cross-entropy, already over the global count of targets.
  void add_loss(const Tensor& loss);
  /// Adds the z-loss, f32 [1], which is an auxiliary loss too.
  void add_z_loss(const Tensor& loss);
  /// Adds an auxiliary loss, f32 [1].
  void add_auxiliary(const Tensor& loss);
  /// Adds what the routed layers did; `unit` is f32 [1], 1 / rows that the totals cover, and `unit_value` the same on
  /// the host.
  void add_routes(const ModelOutput& output, const Tensor& unit, double unit_value);
  /// Adds executed FLOPs of the model.
  void add_flops(std::int64_t flops);
  /// f64 [1]: executed FLOPs of the model, for what only the device can count.
  Tensor flops() const { return values_.slice(kFlops, Shape{1}); }
  /// Adds FLOPs that were executed again.
  void add_recomputed_flops(std::int64_t flops);
  /// Adds Batch::digest() of this rank's samples.
  void add_data(std::int64_t digest);
  /// Adds this rank's votes.
  void add_votes(const StepVotes& mine);
  /// Adds what this rank alone did: seconds of computation, and rows that blocks updated.
  void add_work(int rank, double compute_seconds, std::int64_t active_rows);
  /// Starts the sum over ranks of all that was added.
  [[nodiscard]] Collective reduce(Communicator& ranks) {
    return ranks.all_reduce(values_.slice(0, Shape{summed()}), Reduce::Sum);
  }

  /// f64 [1], for the finite check on the device.
  Tensor loss() const { return values_.slice(kLoss, Shape{1}); }
  /// f64 [1]: sum of squares of a group's gradient.
  Tensor squares(ParameterGroup group) const { return values_.slice(summed() + index(group), Shape{1}); }
  /// f64 [groups]: those of all groups.
  Tensor all_squares() const { return values_.slice(summed(), Shape{static_cast<std::int64_t>(kParameterGroups)}); }
  /// f64 [4]: AdamW's control of a group.
  Tensor control(ParameterGroup group) const {
    const std::int64_t begin = summed() + static_cast<std::int64_t>(kParameterGroups) + index(group) * kAdamWControls;
    return values_.slice(begin, Shape{kAdamWControls});
  }

  struct Read {
    double loss = 0.0;
    double auxiliary = 0.0;
    double z_loss = 0.0;
    double flops = 0.0;  ///< executed, all ranks
    double recomputed_flops = 0.0;
    std::int64_t data = 0;       ///< digest of the samples
    double gradient_norm = 0.0;  ///< of the main group
    bool went = false;           ///< whether the weights were updated
    StepVotes votes;             ///< ranks that said so
    std::vector<double> depth;   ///< per block: share of rows updated; 1 where no route was noted
    std::vector<double>
        gate;  ///< per block: mean gate over all rows, closed ones counting 0; 1 where no route was noted
    std::vector<std::vector<double>> gate_bins;        ///< per block: StepReport::gate_bins
    std::vector<double> compute_seconds, active_rows;  ///< per rank

    /// Work and waiting of the step, of which rank `rank` waited `waited` seconds for collectives.
    RankBalance balance(int rank, double waited) const;
  };
  /// The one host read of the step.
  Read read(const Router& router) const;

 private:
  static constexpr std::int64_t kLoss = 0, kAuxiliary = 1, kFlops = 2, kStop = 3, kSaved = 4, kSaveFailed = 5,
                                kData = 6, kZLoss = 7, kRecomputed = 8, kLayers = 9;
  static std::int64_t index(ParameterGroup group) { return static_cast<std::int64_t>(group); }
  std::int64_t bins_of(std::int64_t layer) const { return kLayers + 2 * layers_ + kGateBins * layer; }
  std::int64_t ranks_begin() const { return bins_of(layers_); }
  std::int64_t summed() const { return ranks_begin() + 2 * ranks_; }

  std::int64_t layers_, ranks_;
  // f64: loss, auxiliary, FLOPs, votes [3], data digest, z-loss, recomputed FLOPs, depth [L], gate [L], gate bins [L *
  // bins], compute seconds [N], active rows [N], where a rank adds to its own places only; then, equal on all ranks:
  // squares [groups], controls [groups * 4]
  Tensor values_;
};

}  // namespace isobath
