#pragma once
// What a collective is, what each rank sends to each other one for it, and what becomes of that.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <nccl.h>

namespace isobath::emulated::nccl {

using Bytes = std::vector<std::byte>;

enum class Kind : std::int32_t { AllReduce, ReduceScatter, AllGather, Broadcast, Goodbye };

/// What has to be equal on every rank. Goes through the sockets as it is.
struct Call {
  Kind kind = Kind::AllReduce;
  std::int32_t type = 0;
  std::int32_t detail = 0;  ///< the reduction, or the root
  std::int32_t unused = 0;
  std::uint64_t count = 0;
  std::uint64_t sequence = 0;

  bool operator==(const Call&) const = default;
};

std::string describe(const Call& call);

/// 0 for a type that the stand-in does not know.
std::size_t size_of(int type);

/// A rank among others.
struct Place {
  int rank;
  int size;
};

/// Bytes behind the send and receive pointers of a call.
struct Extent {
  std::size_t send;
  std::size_t receive;
};
Extent extent_of(const Call& call, int size);

/// What `peer` gets of what lies at `send`.
Bytes part_for(const Call& call, Place me, int peer, const std::byte* send);

/// Writes the result. `parts` are those of all ranks for this one. Sums are formed in the order of a ring, element by
/// element in another one for each piece, and rounded after every step: the manual promises no order, so nobody may
/// count on that of the ranks.
void combine(const Call& call, Place me, std::span<const Bytes> parts, std::byte* receive);

}  // namespace isobath::emulated::nccl
