#pragma once
// Whether all ranks made the same call: the mistake that otherwise shows as a hang or as wrong numbers.

#include <cstdint>

#include "parallel/communicator.hpp"
#include "parallel/transport/transport.hpp"

namespace isobath {

/// Costs one small message per collective.
enum class CallCheck { Off, On };
#ifdef NDEBUG
inline constexpr CallCheck kDefaultCallCheck = CallCheck::Off;
#else
inline constexpr CallCheck kDefaultCallCheck = CallCheck::On;
#endif

enum class CallKind : std::int64_t { AllReduce, ReduceScatter, AllGather, Broadcast, Gather, Barrier, Split };

const char* name_of(CallKind kind);

/// What has to be equal on every rank.
struct Call {
  CallKind kind;
  std::int64_t count = 0;
  DType dtype = DType::F32;
  std::int64_t detail = 0;  ///< the Reduce or the root

  bool operator==(const Call&) const = default;
};

/// Throws PeerError on every rank unless all of them pass an equal `mine`; the message names the first rank that
/// differs from most, and both calls.
void check_calls(Transport& ranks, const Call& mine);

}  // namespace isobath
