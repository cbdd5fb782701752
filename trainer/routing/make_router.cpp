#include "trainer/routing/make_router.hpp"

#include "trainer/routing/mixture_of_depths.hpp"
#include "trainer/routing/replay.hpp"
#include "trainer/routing/token_selective.hpp"

namespace isobath {

std::unique_ptr<TrainableRouter> make_router(const DepthConfig& depth, const ModelConfig& model,
                                             std::optional<RouteTrace> trace) {
  switch (depth.policy) {
    case DepthPolicy::Dense:
      return std::make_unique<DenseRouter>();
    case DepthPolicy::TokenSelective:
      return std::make_unique<TokenSelective>(depth.token_selective, model);
    case DepthPolicy::MixtureOfDepths:
      return std::make_unique<MixtureOfDepths>(depth.mixture_of_depths, model);
    case DepthPolicy::Replay:
      break;
  }
  require(trace.has_value(), "policy replay without a trace");
  return std::make_unique<MixtureOfDepths>(depth.mixture_of_depths, model,
                                           std::make_unique<ReplayChoice>(std::move(*trace)));
}

}  // namespace isobath
