#include "ops/tensor/convert.hpp"

#include "ops/core/threads.hpp"

namespace isobath {
namespace kernel {

constexpr std::int64_t kGrain = 1 << 14;

template <class From, class To>
void convert(CpuQueue, View<const From> from, View<To> to, Accumulate mode) {
  parallel_for(to.count(), kGrain, [=](std::int64_t begin, std::int64_t end) {
    const From* in = from.data;
    To* out = to.data;
    if (mode == Accumulate::Overwrite)
      for (std::int64_t i = begin; i < end; ++i) round_to(out[i], float(in[i]));
    else
      for (std::int64_t i = begin; i < end; ++i) round_to(out[i], float(out[i]) + float(in[i]));
  });
}

}  // namespace kernel

void convert(const Tensor& from, const Tensor& to, Accumulate mode) {
  require(from.count() == to.count() && from.device() == to.device(), "convert: ", from.shape(), " on ", from.device(),
          " to ", to.shape(), " on ", to.device());
  count_bytes("convert", from.bytes() + (mode == Accumulate::Add ? 2 : 1) * to.bytes());
  on_queue_of(to.device(), "convert", [&](auto queue) {
    on_float_type(from.dtype(), [&](auto from_tag) {
      using From = typename decltype(from_tag)::type;
      on_float_type(to.dtype(), [&](auto to_tag) {
        using To = typename decltype(to_tag)::type;
        kernel::convert<From, To>(queue, from.view<const From>(), to.view<To>(), mode);
      });
    });
  });
}

}  // namespace isobath
