#include "ops/add/add.hpp"
#include "ops/core/threads.hpp"

namespace isobath::kernel {
namespace {

template <class T>
void add_elements(const T* a, const T* b, T* out, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) round_to(out[i], float(a[i]) + float(b[i]));
}

}  // namespace

template <class T>
void add(CpuQueue, View<const T> a, View<const T> b, View<T> out) {
  parallel_for(out.count(), row_grain(1), [&](std::int64_t begin, std::int64_t end) {
    add_elements(a.data + begin, b.data + begin, out.data + begin, end - begin);
  });
}

template void add<float>(CpuQueue, View<const float>, View<const float>, View<float>);
template void add<bfloat16>(CpuQueue, View<const bfloat16>, View<const bfloat16>, View<bfloat16>);

}  // namespace isobath::kernel
