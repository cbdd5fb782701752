#pragma once
#include <memory>
#include <optional>

#include "configs/schema/run_config.hpp"
#include "parallel/flat_parameters.hpp"
#include "trainer/model/transformer.hpp"
#include "trainer/routing/make_router.hpp"

namespace isobath {

/// A rank's copy of the model: the trunk, the router, and their parameters in flat buffers.
struct Replica {
  std::unique_ptr<TrainableRouter> router;
  Transformer model;
  FlatParameters parameters;

  /// Builds the model of `config`, whose model.vocabulary is resolved, for `world` ranks; values start from
  /// config.seed.
  Replica(const RunConfig& config, Device device, int world, std::optional<RouteTrace> trace = std::nullopt);
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;
};

}  // namespace isobath
