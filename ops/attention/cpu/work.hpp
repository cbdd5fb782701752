#pragma once
// Who computes what: the rows of a (sequence, head) cut into tasks of about equal cost, dearest first. A task owns the
// rows it writes, and every element is computed in the same order in any cut, so that no bit depends on the number of
// threads.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <vector>

#include "ops/attention/cpu/lanes.hpp"
#include "ops/attention/visibility.hpp"
#include "ops/core/threads.hpp"

namespace isobath::flash {

/// Rows [begin, end), counted within their sequence.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t count() const { return end - begin; }
};

/// Whose outputs a task writes: those of its queries, of its keys, or of both.
enum class Owns { Queries, Keys, Both };

struct Task {
  std::int64_t sequence;
  std::int64_t head;  ///< the first query head
  Range queries;
  Range keys;
  Owns owns;
  std::int64_t cost;       ///< in visible pairs per head
  std::int64_t heads = 1;  ///< query heads; a task that owns keys takes all that share them
};

/// Row sets and number of heads, all that the cost depends on.
struct Workload {
  const kernel::SequenceRows& queries;
  const kernel::SequenceRows& keys;
  int heads;
  int threads;
  std::int64_t group = 1;  ///< query heads that share a key head
};

/// One task per (sequence, head); where these are dear in relation to the number of threads, several with the queries
/// cut. Each repeats the packing of the keys it sees.
std::vector<Task> plan_forward(const Workload& load);

/// One task per (sequence, key head) computes the gradients of queries, keys and values with five products per tile.
/// When that leaves threads idle for more than the split costs, queries (three products) and keys (four) become tasks
/// of their own and are cut.
std::vector<Task> plan_backward(const Workload& load);

/// Rows that share the extent of a product along the diagonal of the mask: two register tiles, or one narrow one.
inline constexpr std::int64_t kGroup = 12;

/// body(row, count, extent) for maximal runs of groups of kGroup rows whose extent(first row, last row) is equal, in
/// order over [0, rows): away from the diagonal one product takes all rows.
template <class Extent, class Body>
void for_runs(std::int64_t rows, Extent&& extent, Body&& body) {
  const auto of_group = [&](std::int64_t row) { return extent(row, std::min(row + kGroup, rows) - 1); };
  std::int64_t begin = 0;
  while (begin < rows) {
    const std::int64_t common = of_group(begin);
    std::int64_t end = begin + kGroup;
    while (end < rows && of_group(end) == common) end += kGroup;
    body(begin, std::min(end, rows) - begin, common);
    begin = end;
  }
}

/// Hands out parts of one block of memory, on cache lines; without a block it only measures.
class Arena {
 public:
  Arena() = default;
  explicit Arena(std::byte* base) : base_(base) {}

  template <class T>
  T* take(std::int64_t count) {
    const std::size_t at = used_;
    used_ += static_cast<std::size_t>(round_up(count * static_cast<std::int64_t>(sizeof(T)), 64));
    return base_ ? reinterpret_cast<T*>(base_ + at) : nullptr;
  }
  std::size_t used() const { return used_; }

 private:
  std::byte* base_ = nullptr;
  std::size_t used_ = 0;
};

/// body(task, arena) for every task, in order, as threads become free. Each thread has `bytes` of scratch, which the
/// calling thread takes from its allocator, so that the memory is counted and reused.
template <class Body>
void run_tasks(const std::vector<Task>& tasks, std::size_t bytes, Body&& body) {
  const auto count = static_cast<std::int64_t>(tasks.size());
  const std::int64_t workers = std::min<std::int64_t>(kernel_threads(), count);
  const Block scratch(Device::cpu(), static_cast<std::size_t>(workers) * bytes);
  std::atomic<std::int64_t> next{0};
  parallel_for(workers, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t worker = begin; worker < end; ++worker) {
      auto* base = static_cast<std::byte*>(scratch.data()) + static_cast<std::size_t>(worker) * bytes;
      for (std::int64_t i = next++; i < count; i = next++) body(tasks[static_cast<std::size_t>(i)], Arena(base));
    }
  });
}

}  // namespace isobath::flash
