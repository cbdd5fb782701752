#pragma once
// Compute is counted, not claimed: every op adds the FLOPs it executed, under the category its caller set and the
// direction the tape runs in. A multiply-add is two FLOPs. The ledger belongs to the calling thread. What is computed
// a second time, to save memory, is counted apart: it is the machine's work and not the model's.

#include <array>
#include <cstddef>
#include <cstdint>

namespace isobath {

enum class Work : std::uint8_t { Router, Projection, Attention, Ffn, Head, Other };
inline constexpr std::size_t kWorkKinds = 6;
enum class Direction : std::uint8_t { Forward, Backward, Recomputed };
inline constexpr std::size_t kDirections = 3;

constexpr const char* name_of(Work work) {
  constexpr const char* names[] = {"router", "projection", "attention", "ffn", "head", "other"};
  return names[static_cast<std::size_t>(work)];
}

/// Executed FLOPs by category and direction.
struct Ledger {
  std::array<std::array<std::int64_t, kDirections>, kWorkKinds> flops{};

  std::int64_t of(Work work, Direction direction) const {
    return flops[static_cast<std::size_t>(work)][static_cast<std::size_t>(direction)];
  }
  std::int64_t forward() const;
  std::int64_t backward() const;
  /// Forward passes that ran again during backward.
  std::int64_t recomputed() const;
  /// The model's: forward and backward, without what was recomputed.
  std::int64_t total() const { return forward() + backward(); }
  Ledger operator-(const Ledger& earlier) const;
};

/// Everything this thread has executed so far; subtract two readings to get a step.
const Ledger& ledger();
void count_flops(std::int64_t flops);
/// Counts work that repeats what was counted before, category by category.
void count_again(const Ledger& work);

/// Sets the category (and direction) of what runs inside the scope.
class WorkScope {
 public:
  explicit WorkScope(Work work);
  WorkScope(Work work, Direction direction);
  ~WorkScope();
  WorkScope(const WorkScope&) = delete;
  WorkScope& operator=(const WorkScope&) = delete;

 private:
  Work work_before_;
  Direction direction_before_;
};

/// The category in force, which the tape remembers for the backward pass.
Work current_work();
Direction current_direction();

}  // namespace isobath
