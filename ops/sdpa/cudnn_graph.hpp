#pragma once
// Attention as operation graphs for cuDNN. They are made apart from where they run, so that the library can be asked
// for its opinion of them on a machine without a GPU.

#include <cstdint>
#include <memory>

#include "ops/sdpa/sdpa.hpp"

namespace cudnn_frontend::graph {
class Graph;
}

namespace isobath::kernel {

/// The tensors of both graphs, by the number that stands for each when a graph is run.
enum class SdpaOperand : std::int64_t { Q = 1, K, V, Out, LogSum, GradOut, GradQ, GradK, GradV };

using SdpaGraph = std::shared_ptr<cudnn_frontend::graph::Graph>;

/// The device that a graph is for: its compute capability times 10, or 0 for the current device's.
struct SdpaTarget {
  int sm = 0;
};

/// Q, K, V -> Out, LogSum.
SdpaGraph sdpa_graph(const SdpaExtents& extents, SdpaTarget target = {});
/// Q, K, V, Out, LogSum, GradOut -> GradQ, GradK, GradV, by cuDNN's algorithm whose sums have a fixed order.
SdpaGraph sdpa_backward_graph(const SdpaExtents& extents, SdpaTarget target = {});

}  // namespace isobath::kernel
