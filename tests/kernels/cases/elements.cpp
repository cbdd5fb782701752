#include "kernels/cases/case.hpp"
#include "ops/add/add.hpp"
#include "ops/dropout/dropout.hpp"
#include "ops/gelu/gelu.hpp"
#include "ops/swiglu/swiglu.hpp"
#include "ops/tensor/convert.hpp"

namespace isobath::traffic {
namespace {

constexpr double kElements = kRows * kChannels, kHiddenElements = kRows * kHidden;

template <class T>
void add_cases(std::vector<Case>& cases) {
  const char* const type = name_of(dtype_of<T>);
  const auto hidden = [] { return zeros<T>(Shape{kRows, kHidden}); };
  const Tensor a = hidden(), b = hidden(), c = hidden(), d = hidden(), e = hidden();
  cases.push_back({"gelu", type, Least().rows(a, b, c), kMoreRows, 30 * kHiddenElements,
                   [=](CudaQueue queue) { kernel::gelu<T>(queue, in<T>(a), out<T>(b), out<T>(c)); }});
  cases.push_back({"gelu backward", type, Least().rows(a, b, c), kMoreRows, kHiddenElements,
                   [=](CudaQueue queue) { kernel::gelu_backward<T>(queue, in<T>(a), in<T>(b), {out<T>(c)}); }});
  cases.push_back({"swiglu", type, Least().rows(a, b, c), kMoreRows, 20 * kHiddenElements,
                   [=](CudaQueue queue) { kernel::swiglu<T>(queue, in<T>(a), in<T>(b), out<T>(c)); }});
  cases.push_back(
      {"swiglu backward", type, Least().rows(a, b, c, d, e), kMoreRows, 25 * kHiddenElements, [=](CudaQueue queue) {
         kernel::swiglu_backward<T>(queue, in<T>(a), in<T>(b), in<T>(c), {{out<T>(d)}, {out<T>(e)}});
       }});
}

}  // namespace

std::vector<Case> element_cases() {
  std::vector<Case> cases;
  const auto stream = [] { return zeros<float>(Shape{kRows, kChannels}); };
  const Tensor x = stream(), y = stream(), z = stream(), narrow = zeros<bfloat16>(Shape{kRows, kChannels});
  const Tensor samples = indices<std::int64_t>({3, 8}), key = indices<std::int64_t>({12});
  cases.push_back({"add", "f32", Least().rows(x, y, z), kMoreRows, kElements,
                   [=](CudaQueue queue) { kernel::add<float>(queue, in<float>(x), in<float>(y), out<float>(z)); }});
  cases.push_back({"convert", "bf16", Least().rows(x, narrow), kMoreRows, 0.0, [=](CudaQueue queue) {
                     kernel::convert<float, bfloat16>(queue, in<float>(x), out<bfloat16>(narrow),
                                                      Accumulate::Overwrite);
                   }});
  cases.push_back(
      {"dropout", "f32", Least().rows(x, y).others(samples, key), kMoreRows, 30 * kElements, [=](CudaQueue queue) {
         const kernel::DropoutDraws draws{in<std::int64_t>(key), 0, in<std::int64_t>(samples), {}, kLength, 0.1F};
         kernel::dropout<float>(queue, in<float>(x), draws, Accumulate::Overwrite, out<float>(y));
       }});
  add_cases<float>(cases);
  add_cases<bfloat16>(cases);
  return cases;
}

}  // namespace isobath::traffic
