#pragma once
#include <memory>
#include <optional>

#include "configs/schema/depth_config.hpp"
#include "configs/schema/model_config.hpp"
#include "trainer/routing/route_trace.hpp"
#include "trainer/routing/router.hpp"

namespace isobath {

/// The router that `depth.policy` names, for a model of that shape. `trace` is needed by the policy replay, and only
/// then looked at.
std::unique_ptr<TrainableRouter> make_router(const DepthConfig& depth, const ModelConfig& model,
                                             std::optional<RouteTrace> trace = std::nullopt);

}  // namespace isobath
