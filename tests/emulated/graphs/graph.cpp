#include "tests/emulated/graphs/graph.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "tests/emulated/engine/order.hpp"
#include "tests/emulated/streams/schedule.hpp"

namespace isobath::emulated {
namespace {

// Every launch draws an order of its own.
Dice dice_of_this_launch(const Schedule& schedule) {
  static std::atomic<std::uint64_t> launches = 0;
  return Dice(schedule.seed + 7919 * ++launches);
}

void run(const Graph& graph) {
  const Schedule how = schedule();
  Dice dice = dice_of_this_launch(how);
  std::vector<std::size_t> open(graph.nodes.size());
  std::vector<std::vector<std::size_t>> followers(graph.nodes.size());
  std::vector<std::size_t> ready;  // ascending
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    open[i] = graph.nodes[i].after.size();
    for (const std::size_t before : graph.nodes[i].after) followers[before].push_back(i);
    if (open[i] == 0) ready.push_back(i);
  }
  while (!ready.empty()) {
    auto chosen = ready.begin();
    if (how.kind == ScheduleKind::Late) chosen = ready.end() - 1;
    if (how.kind == ScheduleKind::Random) chosen += static_cast<std::ptrdiff_t>(dice.below(ready.size()));
    const std::size_t node = *chosen;
    ready.erase(chosen);
    if (graph.nodes[node].work.run) graph.nodes[node].work.run();
    for (const std::size_t next : followers[node])
      if (--open[next] == 0) ready.insert(std::lower_bound(ready.begin(), ready.end(), next), next);
  }
}

}  // namespace

Work launch_of(const GraphPtr& graph) {
  std::set<PiecePtr> uses;
  for (const GraphNode& node : graph->nodes) uses.insert(node.work.uses.begin(), node.work.uses.end());
  return {[graph] { run(*graph); }, {uses.begin(), uses.end()}};
}

}  // namespace isobath::emulated
