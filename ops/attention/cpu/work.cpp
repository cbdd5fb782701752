#include "ops/attention/cpu/work.hpp"

#include <numeric>
#include <tuple>

namespace isobath::flash {
namespace {

using Weights = std::vector<std::int64_t>;

// Packing and storing a row costs about as much as this many visible pairs.
constexpr std::int64_t kRowCost = 8;
// Below this many pairs a task is not worth cutting.
constexpr std::int64_t kSmallestTask = 4096;

// Products per tile for either side alone, and for both at once.
constexpr std::int64_t kQueryProducts = 3, kKeyProducts = 4, kJointProducts = 5;

/// Cost of each query: the keys it sees.
Weights query_weights(const Workload& load, std::int64_t sequence) {
  std::vector<std::int32_t> seen(static_cast<std::size_t>(load.queries.count(sequence)));
  visible_keys(load.queries, load.keys, sequence, 0, load.queries.count(sequence), seen.data());
  return {seen.begin(), seen.end()};
}

/// Cost of each key: the queries that see it, which are the last ones of the sequence.
Weights key_weights(const Weights& seen, std::int64_t keys) {
  Weights weights(static_cast<std::size_t>(keys), 0);
  std::int64_t key = 0;
  for (std::size_t query = 0; query < seen.size(); ++query)
    for (; key < seen[query]; ++key)
      weights[static_cast<std::size_t>(key)] = static_cast<std::int64_t>(seen.size() - query);
  return weights;
}

struct Piece {
  Range rows;
  std::int64_t cost;
};

/// Cuts rows of the given weights into at most `parts` pieces of about equal cost; together they cover every row.
std::vector<Piece> cut(const Weights& weights, std::int64_t parts) {
  const auto rows = static_cast<std::int64_t>(weights.size());
  const std::int64_t total = std::accumulate(weights.begin(), weights.end(), kRowCost * rows);
  std::vector<Piece> pieces;
  Piece piece{};
  std::int64_t before = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    piece.cost += weights[static_cast<std::size_t>(row)] + kRowCost;
    piece.rows.end = row + 1;
    const bool full = (before + piece.cost) * parts >= total * static_cast<std::int64_t>(pieces.size() + 1);
    if (!full && row + 1 < rows) continue;
    pieces.push_back(piece);
    before += piece.cost;
    piece = {{row + 1, row + 1}, 0};
  }
  return pieces;
}

std::int64_t cost_of(const Workload& load, std::int64_t sequence) {
  const std::int64_t rows = load.queries.count(sequence) + load.keys.count(sequence);
  return rows == 0 ? 0 : visible_pairs(load.queries, load.keys, sequence) + kRowCost * rows;
}

/// One task per head, or per group of heads that share what the task owns.
std::vector<Task> whole_heads(const Workload& load, Owns owns) {
  std::vector<Task> tasks;
  for (std::int64_t s = 0; s < load.queries.batch; ++s) {
    const std::int64_t cost = cost_of(load, s);
    const std::int64_t heads = owns == Owns::Queries ? 1 : load.group;
    for (std::int64_t head = 0; cost > 0 && head < load.heads; head += heads)
      tasks.push_back({s, head, {0, load.queries.count(s)}, {0, load.keys.count(s)}, owns, heads * cost, heads});
  }
  return tasks;
}

std::int64_t total_cost(const std::vector<Task>& tasks) {
  return std::accumulate(tasks.begin(), tasks.end(), std::int64_t{0},
                         [](std::int64_t sum, const Task& task) { return sum + task.cost; });
}

void dearest_first(std::vector<Task>& tasks) {
  std::sort(tasks.begin(), tasks.end(), [](const Task& a, const Task& b) {
    return std::tie(b.cost, a.sequence, a.head, a.queries.begin, a.keys.begin) <
           std::tie(a.cost, b.sequence, b.head, b.queries.begin, b.keys.begin);
  });
}

/// When the last thread finishes if each takes the next task as it becomes free.
std::int64_t makespan(const std::vector<Task>& tasks, int threads) {
  Weights busy(static_cast<std::size_t>(threads), 0);
  for (const Task& task : tasks) *std::min_element(busy.begin(), busy.end()) += task.cost;
  return *std::max_element(busy.begin(), busy.end());
}

/// Costs above which a task is cut, so that each thread gets about eight and the last ones fill the gaps.
std::int64_t limit(std::int64_t total, int threads) {
  return threads <= 1 ? std::max<std::int64_t>(total, 1) : std::max(total / (8 * threads), kSmallestTask);
}
std::int64_t parts_of(std::int64_t cost, std::int64_t most) { return (cost + most - 1) / most; }

}  // namespace

std::vector<Task> plan_forward(const Workload& load) {
  std::vector<Task> tasks = whole_heads(load, Owns::Queries);
  const std::int64_t most = limit(total_cost(tasks), load.threads);
  std::vector<Task> plan;
  std::vector<Piece> pieces;
  for (const Task& task : tasks) {
    if (task.head == 0) {
      const std::int64_t parts = parts_of(task.cost, most);
      pieces =
          parts > 1 ? cut(query_weights(load, task.sequence), parts) : std::vector<Piece>{{task.queries, task.cost}};
    }
    for (const Piece& piece : pieces)
      plan.push_back({task.sequence, task.head, piece.rows, task.keys, Owns::Queries, piece.cost});
  }
  dearest_first(plan);
  return plan;
}

std::vector<Task> plan_backward(const Workload& load) {
  std::vector<Task> whole = whole_heads(load, Owns::Both);
  dearest_first(whole);
  const std::int64_t total = total_cost(whole), split = total * (kQueryProducts + kKeyProducts) / kJointProducts;
  if (load.threads <= 1 || makespan(whole, load.threads) <= split / load.threads) return whole;

  const std::int64_t most = limit(split, load.threads);
  std::vector<Task> plan;
  for (const Task& task : whole) {
    const Weights seen = query_weights(load, task.sequence);
    const auto add = [&](Owns owns, std::int64_t head, std::int64_t heads, const Weights& weights) {
      const bool of_keys = owns == Owns::Keys;
      const std::int64_t products = heads * (of_keys ? kKeyProducts : kQueryProducts);
      const auto cost = [&](std::int64_t pairs) { return pairs * products / kJointProducts; };
      for (const Piece& piece : cut(weights, parts_of(cost(task.cost / task.heads), most)))
        plan.push_back({task.sequence, head, of_keys ? task.queries : piece.rows, of_keys ? piece.rows : task.keys,
                        owns, cost(piece.cost), heads});
    };
    for (std::int64_t i = 0; i < task.heads; ++i) add(Owns::Queries, task.head + i, 1, seen);
    add(Owns::Keys, task.head, task.heads, key_weights(seen, task.keys.count()));
  }
  dearest_first(plan);
  return plan;
}

}  // namespace isobath::flash
