#include "trainer/evaluate/evaluate.hpp"

#include "ops/attention/exact_pairs.hpp"
#include "ops/autograd/tape.hpp"
#include "ops/cross_entropy/cross_entropy.hpp"
#include "parallel/stopping.hpp"
#include "trainer/metrics/flops.hpp"
#include "trainer/step_totals.hpp"

namespace isobath {
namespace {

/// One window set's share of a rank, summed on the device.
void score(const Replica& replica, const Router& rule, const Batch& batch, const Tensor& one, StepTotals& totals) {
  const ModelInput input{batch.inputs, {batch.size(), batch.context, 0, batch.samples, {}}};
  ModelOutput output = replica.model.forward(input, rule, Phase::Evaluation, 0);
  totals.add_routes(output, one, 1.0);
  totals.add_loss(cross_entropy(replica.model.logits(output.hidden), batch.targets, one));
}

/// Passes that the rank with the most windows needs.
std::int64_t passes_of_all(std::int64_t windows, std::int64_t batch, int ranks) {
  const std::int64_t most = (windows + ranks - 1) / ranks;
  return (most + batch - 1) / batch;
}

}  // namespace

Evaluation evaluate(const Replica& replica, const Router& rule, const ValidationWindows& windows, std::int64_t batch,
                    Communicator& ranks, const std::function<void()>& before_pass) {
  const NoGrad no_grad;
  const ModelConfig& model = replica.model.config();
  const Device device = replica.parameters.values().device();
  const float unit = 1.0F;
  const Tensor one = Tensor::from(Shape{1}, std::span<const float>(&unit, 1), device);
  StepTotals totals(model.layers, ranks.size(), device);
  const std::int64_t before = ledger().total();
  const ExactPairs exact(totals.flops());
  const IndexRange mine = share_of(windows.count(), {ranks.rank(), ranks.size()});
  // As many passes on every rank, so that all of them ask before each whether to stop; the last of a rank may be empty.
  const std::int64_t passes = passes_of_all(windows.count(), batch, ranks.size());
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    before_pass();
    leave_if_asked(ranks, "in a validation");
    const std::int64_t begin = mine.begin + pass * batch;
    if (begin < mine.end)
      score(replica, rule, windows.batch({begin, std::min(begin + batch, mine.end)}, device), one, totals);
  }
  totals.add_flops(ledger().total() - before);
  totals.reduce(ranks).before_work_on(device);

  const StepTotals::Read read = totals.read(rule);
  Evaluation out;
  out.rule = rule.rule();
  out.is_causal = rule.is_causal();
  const auto count = static_cast<double>(windows.count());
  out.targets = windows.targets();
  out.tokens = windows.count() * model.context;
  out.loss = read.loss / static_cast<double>(out.targets);
  for (std::size_t layer = 0; layer < read.depth.size(); ++layer) {
    const double rows = rule.routes(static_cast<int>(layer)) ? static_cast<double>(out.tokens) : 1.0;
    out.depth.push_back(read.depth[layer] / rows);
    out.gate.push_back(read.gate[layer] / rows);
  }
  out.executed_flops = read.flops;
  out.soft_flops = count * soft_forward_flops(model, model.context, out.gate);
  out.dense_flops = count * dense_forward_flops(model, model.context);
  return out;
}

}  // namespace isobath
