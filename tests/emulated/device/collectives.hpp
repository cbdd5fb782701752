#pragma once
// Barriers and warp collectives: the places where a thread of a block waits for others.

#include <cstdint>
#include <cstring>
#include <source_location>

namespace isobath::emulated {

using Where = std::source_location;

enum class WarpOp : std::uint8_t { Sync, Shuffle, Ballot, Products };

struct MatrixParts;

/// What a lane brings to a collective. `source` is the lane it reads from.
struct Offer {
  WarpOp op = WarpOp::Sync;
  unsigned mask = 0;
  std::uint64_t value = 0;
  unsigned source = 0;
  const MatrixParts* parts = nullptr;  ///< of Products
};

/// Waits for every thread of the block. Throws Fault when they cannot all come.
void meet_block(Where where);
/// Waits for every lane in the mask; returns the value of the source lane, or the ballot.
std::uint64_t meet_warp(const Offer& offer, Where where);
/// The calling thread's place in its warp, 0 .. 31.
unsigned lane();

template <class T>
T shuffle(unsigned mask, T value, unsigned source, Where where) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  std::uint64_t word = 0;
  std::memcpy(&word, &value, sizeof(T));
  word = meet_warp({WarpOp::Shuffle, mask, word, source}, where);
  std::memcpy(&value, &word, sizeof(T));
  return value;
}

/// First lane of the group of `width` lanes that the calling lane belongs to.
inline unsigned group_begin(int width) { return lane() & ~(static_cast<unsigned>(width) - 1U); }

}  // namespace isobath::emulated

inline void __syncthreads(isobath::emulated::Where where = isobath::emulated::Where::current()) {
  isobath::emulated::meet_block(where);
}

inline void __syncwarp(unsigned mask = 0xffffffffU,
                       isobath::emulated::Where where = isobath::emulated::Where::current()) {
  isobath::emulated::meet_warp({isobath::emulated::WarpOp::Sync, mask, 0, 0}, where);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              isobath::emulated::Where where = isobath::emulated::Where::current()) {
  using namespace isobath::emulated;
  return shuffle(mask, value, group_begin(width) + (static_cast<unsigned>(source) & (width - 1U)), where);
}

template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32,
                 isobath::emulated::Where where = isobath::emulated::Where::current()) {
  using namespace isobath::emulated;
  const bool inside = lane() >= group_begin(width) + distance;
  return shuffle(mask, value, inside ? lane() - distance : lane(), where);
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32,
                   isobath::emulated::Where where = isobath::emulated::Where::current()) {
  using namespace isobath::emulated;
  const bool inside = lane() + distance < group_begin(width) + static_cast<unsigned>(width);
  return shuffle(mask, value, inside ? lane() + distance : lane(), where);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int pattern, int width = 32,
                  isobath::emulated::Where where = isobath::emulated::Where::current()) {
  using namespace isobath::emulated;
  const unsigned source = lane() ^ static_cast<unsigned>(pattern);
  const bool inside = source < group_begin(width) + static_cast<unsigned>(width);
  return shuffle(mask, value, inside ? source : lane(), where);
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              isobath::emulated::Where where = isobath::emulated::Where::current()) {
  using namespace isobath::emulated;
  return static_cast<unsigned>(meet_warp({WarpOp::Ballot, mask, predicate != 0, 0}, where));
}

inline int __any_sync(unsigned mask, int predicate,
                      isobath::emulated::Where where = isobath::emulated::Where::current()) {
  return __ballot_sync(mask, predicate, where) != 0;
}

inline int __all_sync(unsigned mask, int predicate,
                      isobath::emulated::Where where = isobath::emulated::Where::current()) {
  return __ballot_sync(mask, predicate, where) == mask;
}
