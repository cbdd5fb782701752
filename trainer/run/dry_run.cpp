#include "trainer/run/dry_run.hpp"

#include <algorithm>

#include "parallel/dry_communicator.hpp"
#include "trainer/checkpoint/saving/plan.hpp"
#include "trainer/metrics/flops.hpp"
#include "trainer/replica.hpp"
#include "trainer/run/run_saver.hpp"
#include "trainer/run/run_state.hpp"
#include "trainer/trainer.hpp"

namespace isobath {
namespace {

std::int64_t in_use() { return allocator_stats(DeviceKind::Meta).bytes_in_use; }

std::int64_t bytes_of(const Tensor& tensor) { return static_cast<std::int64_t>(tensor.bytes()); }

std::int64_t count_named(const FlatParameters& parameters, const std::string& part) {
  std::int64_t count = 0;
  for (const Parameter* parameter : parameters.parameters())
    if (parameter->name.find(part) != std::string::npos) count += parameter->shape.count();
  return count;
}

Batch meta_batch(std::int64_t size, std::int64_t context) {
  Batch batch;
  batch.context = context;
  batch.inputs = Tensor::empty(Shape{size * context}, DType::I32, Device::meta());
  batch.targets = batch.inputs;
  batch.samples = Tensor::empty(Shape{size}, DType::I64, Device::meta());
  batch.sample_ids.assign(static_cast<std::size_t>(size), 0);
  batch.valid_targets.assign(static_cast<std::size_t>(size), context);
  batch.digests.assign(static_cast<std::size_t>(size), 0);
  return batch;
}

/// Bytes of the shard of the rank that writes most.
std::int64_t largest_shard(std::span<const NamedTensor> tensors, int world) {
  const Manifest plan = describe({}, tensors, world);
  std::vector<std::int64_t> bytes(static_cast<std::size_t>(world));
  for (const TensorRecord& tensor : plan.tensors)
    for (const Piece& piece : tensor.pieces)
      bytes[static_cast<std::size_t>(piece.file)] += piece.count() * static_cast<std::int64_t>(size_of(tensor.dtype));
  return *std::max_element(bytes.begin(), bytes.end());
}

}  // namespace

DryRun measure_dry_run(const RunConfig& config, int world) {
  DryRun out;
  const std::int64_t start = in_use();
  Replica replica(config, Device::meta(), world);
  const FlatParameters& parameters = replica.parameters;
  out.memory.weights = bytes_of(parameters.values());
  if (!parameters.operands().is_same(parameters.values())) out.memory.weights += bytes_of(parameters.operands());
  out.memory.gradients = bytes_of(replica.parameters.gradients());
  DryCommunicator ranks(world);
  Trainer trainer(config, replica, ranks);
  out.memory.moments = in_use() - start - out.memory.weights - out.memory.gradients;
  if (writes_checkpoints(config.checkpoint))
    out.memory.checkpoint_copy = largest_shard(training_tensors(replica.parameters, trainer.optimizer()), world);

  const std::int64_t largest_share = (config.train.batch + world - 1) / world;
  const Batch batch = meta_batch(largest_share, config.model.context);
  reset_allocator_peak(DeviceKind::Meta);
  const std::int64_t held = in_use();
  const Ledger before = ledger();
  trainer.gather_gradients(batch);
  out.memory.activations = allocator_stats(DeviceKind::Meta).bytes_peak - held;

  out.step = ledger() - before;
  for (auto& kind : out.step.flops)
    for (std::int64_t& flops : kind) flops = flops * config.train.batch / largest_share;
  out.dense_flops =
      training_flops(dense_forward_flops(config.model, config.model.context)) * static_cast<double>(config.train.batch);
  out.tokens_per_step = config.train.batch * config.model.context;
  for (const Parameter* parameter : replica.parameters.parameters()) out.parameters += parameter->shape.count();
  out.router_parameters = count_named(replica.parameters, "routers.");
  out.predictor_parameters = count_named(replica.parameters, ".predictor.");
  out.checkpoint_bytes = 3 * out.parameters * static_cast<std::int64_t>(sizeof(float));
  return out;
}

RecomputeChoice measure_recompute(const RunConfig& config, int world) {
  RunConfig changed = config;
  changed.train.recompute = Recompute::None;
  const DryRun kept = measure_dry_run(changed, world);
  changed.train.recompute = Recompute::Block;
  const DryRun again = measure_dry_run(changed, world);
  return {kept.memory.activations, again.memory.activations, again.step.total(), again.step.recomputed()};
}

}  // namespace isobath
