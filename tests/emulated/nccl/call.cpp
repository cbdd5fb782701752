#include "tests/emulated/nccl/call.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "ops/core/dtype.hpp"

namespace isobath::emulated::nccl {
namespace {

template <class T>
T reduced(T a, T b, int how) {
  if constexpr (std::is_same_v<T, bfloat16>) {
    return bfloat16(reduced(static_cast<float>(a), static_cast<float>(b), how));
  } else {
    if (how == ncclSum) return static_cast<T>(a + b);
    // Like the device's fmaxf and fminf, these forget a NaN.
    if constexpr (std::is_floating_point_v<T>) return how == ncclMax ? std::fmax(a, b) : std::fmin(a, b);
    return how == ncclMax ? std::max(a, b) : std::min(a, b);
  }
}

template <class T>
void reduce(const Call& call, Place me, std::span<const Bytes> parts, std::byte* receive) {
  const std::size_t count = call.count, size = parts.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t piece = call.kind == Kind::AllReduce ? i * size / count : static_cast<std::size_t>(me.rank);
    T sum{};
    for (std::size_t step = 1; step <= size; ++step) {  // the ring ends at the piece's owner
      T value;
      std::memcpy(&value, parts[(piece + step) % size].data() + i * sizeof(T), sizeof(T));
      sum = step == 1 ? value : reduced(sum, value, call.detail);
    }
    std::memcpy(receive + i * sizeof(T), &sum, sizeof(T));
  }
}

void reduce_any(const Call& call, Place me, std::span<const Bytes> parts, std::byte* receive) {
  switch (call.type) {
    case ncclUint8:
      return reduce<std::uint8_t>(call, me, parts, receive);
    case ncclInt32:
      return reduce<std::int32_t>(call, me, parts, receive);
    case ncclInt64:
      return reduce<std::int64_t>(call, me, parts, receive);
    case ncclFloat32:
      return reduce<float>(call, me, parts, receive);
    case ncclFloat64:
      return reduce<double>(call, me, parts, receive);
    default:
      return reduce<bfloat16>(call, me, parts, receive);
  }
}

}  // namespace

std::string describe(const Call& call) {
  constexpr const char* names[] = {"all-reduce", "reduce-scatter", "all-gather", "broadcast", "goodbye"};
  return std::string(names[static_cast<std::size_t>(call.kind)]) + " number " + std::to_string(call.sequence) + " of " +
         std::to_string(call.count) + " elements, type " + std::to_string(call.type) + ", reduction or root " +
         std::to_string(call.detail);
}

std::size_t size_of(int type) {
  switch (type) {
    case ncclUint8:
      return 1;
    case ncclBfloat16:
      return 2;
    case ncclInt32:
    case ncclFloat32:
      return 4;
    case ncclInt64:
    case ncclFloat64:
      return 8;
    default:
      return 0;
  }
}

Extent extent_of(const Call& call, int size) {
  const std::size_t one = call.count * size_of(call.type), all = one * static_cast<std::size_t>(size);
  if (call.kind == Kind::ReduceScatter) return {all, one};
  if (call.kind == Kind::AllGather) return {one, all};
  return {one, one};
}

Bytes part_for(const Call& call, Place me, int peer, const std::byte* send) {
  if (call.kind == Kind::Broadcast && call.detail != me.rank) return {};
  const std::size_t bytes = call.count * size_of(call.type);
  if (call.kind == Kind::ReduceScatter) send += static_cast<std::size_t>(peer) * bytes;
  return {send, send + bytes};
}

void combine(const Call& call, Place me, std::span<const Bytes> parts, std::byte* receive) {
  switch (call.kind) {
    case Kind::AllReduce:
    case Kind::ReduceScatter:
      return reduce_any(call, me, parts, receive);
    case Kind::AllGather:
      for (const Bytes& part : parts) receive = std::copy(part.begin(), part.end(), receive);
      return;
    default: {
      const Bytes& part = parts[static_cast<std::size_t>(call.detail)];
      std::copy(part.begin(), part.end(), receive);
    }
  }
}

}  // namespace isobath::emulated::nccl
