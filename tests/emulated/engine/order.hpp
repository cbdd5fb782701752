#pragma once
// In which order the threads of a block, and the blocks of a grid, run when nothing orders them. A right kernel gives
// the same bits in every order.

#include <cstdint>
#include <vector>

namespace isobath::emulated {

enum class OrderKind { Forward, Reverse, Random };

struct Order {
  OrderKind kind = OrderKind::Forward;
  std::uint64_t seed = 1;  // of Random
};

/// Of the calling thread. Starts as ISOBATH_EMULATED_ORDER says: forward (the default), reverse, random or random:SEED;
/// anything else throws std::invalid_argument.
Order order();
void set_order(Order order);

/// Draws for the scheduler's choices (xorshift64*, Vigna 2016).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL | 1U) {}
  /// In [0, bound).
  std::uint64_t below(std::uint64_t bound);

 private:
  std::uint64_t state_;
};

/// Rewrites `sequence` as 0 .. size-1 in the given order.
void arrange(std::vector<unsigned>& sequence, OrderKind kind, Dice& dice);

}  // namespace isobath::emulated
