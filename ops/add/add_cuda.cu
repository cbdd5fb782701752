#include "ops/add/add.hpp"
#include "ops/core/cuda/elementwise.cuh"

namespace isobath::kernel {
namespace {

template <class T>
struct Add {
  const T *a, *b;
  T* out;

  template <int kLength>
  __device__ void operator()(cuda::Length<kLength>, std::int64_t i) const {
    auto sum = cuda::load<kLength>(a + i);
    cuda::add_to(sum, cuda::load<kLength>(b + i));
    cuda::store(out + i, sum);
  }
};

}  // namespace

template <class T>
void add(CudaQueue queue, View<const T> a, View<const T> b, View<T> out) {
  cuda::launch_elementwise<T>("add", queue, out.count(), Add<T>{a.data, b.data, out.data}, a.data, b.data, out.data);
}

template void add<float>(CudaQueue, View<const float>, View<const float>, View<float>);
template void add<bfloat16>(CudaQueue, View<const bfloat16>, View<const bfloat16>, View<bfloat16>);

}  // namespace isobath::kernel
