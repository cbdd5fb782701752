#include "trainer/replica.hpp"

namespace isobath {
namespace {

FlatSettings flat_settings(const RunConfig& config, int world) {
  return {.bucket_bytes = static_cast<std::int64_t>(config.train.bucket_mib * 1048576.0), .world_size = world};
}

FlatStorage storage_of(const RunConfig& config, int world) {
  const bool is_sharded = config.parallel.zero == 2 && world > 1;
  return {.gradients = is_sharded ? GradientStorage::Sharded : GradientStorage::Whole,
          .operands = config.system.dtype == DTypeChoice::Bf16 ? DType::BF16 : DType::F32};
}

AttentionBy attention_by(AttentionChoice choice) {
  return choice == AttentionChoice::Cudnn ? AttentionBy::Cudnn : AttentionBy::Own;
}

ParameterList parameters_of(Transformer& model, TrainableRouter& router) {
  ParameterList list;
  model.collect(list, router);
  return list;
}

}  // namespace

Replica::Replica(const RunConfig& config, Device device, int world, std::optional<RouteTrace> trace)
    : router(make_router(config.depth, config.model, std::move(trace))),
      model(config.model, config.train.recompute, attention_by(config.system.attention)),
      parameters(parameters_of(model, *router), flat_settings(config, world), device, storage_of(config, world)) {
  for (const Parameter* parameter : parameters.parameters())
    initialise(*parameter, static_cast<std::uint64_t>(config.seed));
  parameters.refresh_operands();
}

}  // namespace isobath
