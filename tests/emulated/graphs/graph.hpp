#pragma once
// Work that was captured: what runs when, and what a launch of it does.

#include <cstddef>
#include <memory>
#include <set>
#include <vector>

#include "tests/emulated/streams/scheduler.hpp"

namespace isobath::emulated {

/// Nodes of a graph, by index.
using Places = std::set<std::size_t>;

/// Work, and the nodes that come before it, all of lower index.
struct GraphNode {
  Work work;
  Places after;
};

struct Graph {
  std::vector<GraphNode> nodes;
};
using GraphPtr = std::shared_ptr<const Graph>;

/// One launch: the work of all nodes with the arguments that were captured. The schedule chooses among the orders that
/// the graph allows: that of the capture (eager), the node captured last first (late), or by chance. It uses all memory
/// that any node names, from its launch on.
Work launch_of(const GraphPtr& graph);

}  // namespace isobath::emulated
