#include "parallel/transport/reduce_in_order.hpp"

#include <algorithm>

namespace isobath {
namespace {

template <class T>
struct AccumulatorOf {
  using type = T;
};
template <>
struct AccumulatorOf<bfloat16> {
  using type = float;
};

struct Sum {
  template <class A>
  A operator()(A a, A b) const {
    return a + b;
  }
};
// A NaN on either side stays visible, as in a sum: the comparison is written so that it wins.
struct Max {
  template <class A>
  A operator()(A a, A b) const {
    return a > b || a != a ? a : b;
  }
};
struct Min {
  template <class A>
  A operator()(A a, A b) const {
    return a < b || a != a ? a : b;
  }
};

// A block of accumulators stays in the first-level cache while the parts stream past, and lets `to` overlap a part.
constexpr std::int64_t kBlock = 1024;

template <class T, class Combine>
void reduce(std::span<const void* const> parts, std::int64_t count, T* to, Combine combine) {
  using A = typename AccumulatorOf<T>::type;
  A block[kBlock];
  for (std::int64_t base = 0; base < count; base += kBlock) {
    const std::int64_t length = std::min(kBlock, count - base);
    const T* first = static_cast<const T*>(parts[0]) + base;
    for (std::int64_t i = 0; i < length; ++i) block[i] = static_cast<A>(first[i]);
    for (const void* part : parts.subspan(1)) {
      const T* from = static_cast<const T*>(part) + base;
      for (std::int64_t i = 0; i < length; ++i) block[i] = combine(block[i], static_cast<A>(from[i]));
    }
    for (std::int64_t i = 0; i < length; ++i) to[base + i] = static_cast<T>(block[i]);
  }
}

template <class T>
void reduce(std::span<const void* const> parts, std::int64_t count, Reduce how, void* to) {
  T* out = static_cast<T*>(to);
  switch (how) {
    case Reduce::Sum:
      return reduce(parts, count, out, Sum{});
    case Reduce::Max:
      return reduce(parts, count, out, Max{});
    case Reduce::Min:
      return reduce(parts, count, out, Min{});
  }
}

}  // namespace

void reduce_in_order(std::span<const void* const> parts, std::int64_t count, DType dtype, Reduce how, void* to) {
  switch (dtype) {
    case DType::F32:
      return reduce<float>(parts, count, how, to);
    case DType::BF16:
      return reduce<bfloat16>(parts, count, how, to);
    case DType::F64:
      return reduce<double>(parts, count, how, to);
    case DType::I32:
      return reduce<std::int32_t>(parts, count, how, to);
    case DType::I64:
      return reduce<std::int64_t>(parts, count, how, to);
  }
}

}  // namespace isobath
