#include "ops/core/threads.hpp"
#include "ops/swiglu/silu.hpp"
#include "ops/swiglu/swiglu.hpp"

namespace isobath::kernel {
namespace {

constexpr std::int64_t kGrain = 1 << 12;

/// Where one gradient goes.
template <class T>
struct Nowhere {
  explicit Nowhere(T*) {}
  void put(std::int64_t, float) const {}
};
template <class T>
struct Over {
  T* to;
  void put(std::int64_t i, float value) const { round_to(to[i], value); }
};
template <class T>
struct Onto {
  T* to;
  void put(std::int64_t i, float value) const { round_to(to[i], float(to[i]) + value); }
};

/// body(sink) with the sink that `grad` asks for.
template <class T, class Body>
void with_sink(GradView<T> grad, Body&& body) {
  if (!grad.wanted()) return body(Nowhere<T>(nullptr));
  if (grad.mode == Accumulate::Overwrite) return body(Over<T>{grad.to.data});
  body(Onto<T>{grad.to.data});
}

}  // namespace

template <class T>
void swiglu(CpuQueue, View<const T> gate, View<const T> up, View<T> out) {
  parallel_for(out.count(), kGrain, [&](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) round_to(out[i], silu(float(gate[i])).value * float(up[i]));
  });
}

template <class T>
void swiglu_backward(CpuQueue, View<const T> grad_out, View<const T> gate, View<const T> up, SwigluGrads<T> grads) {
  with_sink(grads.gate, [&](auto to_gate) {
    with_sink(grads.up, [&](auto to_up) {
      parallel_for(gate.count(), kGrain, [&](std::int64_t begin, std::int64_t end) {
#pragma omp simd
        for (std::int64_t i = begin; i < end; ++i) {
          const vector_math::ValueAndSlope at = silu(float(gate[i]));
          const float g = float(grad_out[i]);
          to_gate.put(i, g * float(up[i]) * at.slope);
          to_up.put(i, g * at.value);
        }
      });
    });
  });
}

template void swiglu<float>(CpuQueue, View<const float>, View<const float>, View<float>);
template void swiglu<bfloat16>(CpuQueue, View<const bfloat16>, View<const bfloat16>, View<bfloat16>);
template void swiglu_backward<float>(CpuQueue, View<const float>, View<const float>, View<const float>,
                                     SwigluGrads<float>);
template void swiglu_backward<bfloat16>(CpuQueue, View<const bfloat16>, View<const bfloat16>, View<const bfloat16>,
                                        SwigluGrads<bfloat16>);

}  // namespace isobath::kernel
