#include "ops/core/cuda/elementwise.cuh"
#include "ops/tensor/convert.hpp"

namespace isobath::kernel {
namespace {

template <class From, class To>
struct Convert {
  const From* from;
  To* to;
  Accumulate mode;

  template <int kLength>
  __device__ void operator()(cuda::Length<kLength>, std::int64_t i) const {
    cuda::put(to + i, mode, cuda::load<kLength>(from + i));
  }
};

}  // namespace

template <class From, class To>
void convert(CudaQueue queue, View<const From> from, View<To> to, Accumulate mode) {
  using Narrow = std::conditional_t<(sizeof(From) < sizeof(To)), From, To>;
  cuda::launch_elementwise<Narrow>("convert", queue, to.count(), Convert<From, To>{from.data, to.data, mode}, from.data,
                                   to.data);
}

template void convert<float, float>(CudaQueue, View<const float>, View<float>, Accumulate);
template void convert<float, bfloat16>(CudaQueue, View<const float>, View<bfloat16>, Accumulate);
template void convert<bfloat16, float>(CudaQueue, View<const bfloat16>, View<float>, Accumulate);
template void convert<bfloat16, bfloat16>(CudaQueue, View<const bfloat16>, View<bfloat16>, Accumulate);

}  // namespace isobath::kernel
