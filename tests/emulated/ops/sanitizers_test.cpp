// That the sanitizers see into the kernels of the ops as they are built, and know where a tensor ends.

#include <cstdlib>

#include "ops/add/add.hpp"
#include "tests/emulated/checks/harness.hpp"

namespace isobath::emulated {
namespace {

#ifdef __SANITIZE_THREAD__
constexpr bool kSeesRaces = true;
#else
constexpr bool kSeesRaces = false;
#endif
#ifdef __SANITIZE_ADDRESS__
constexpr bool kSeesBounds = true;
#else
constexpr bool kSeesBounds = false;
#endif

constexpr std::int64_t kCount = 33;

Tensor values_of(std::int64_t count) {
  return Tensor::from(Shape{count}, std::vector<float>(static_cast<std::size_t>(count), 1.0F), Device::cuda(0));
}

View<float> first(const Tensor& tensor, std::int64_t count) { return {tensor.view<float>().data, Shape{count}}; }

void add_and_exit(View<float> a, View<float> b, View<float> out) {
  kernel::add<float>(test::queue(), a, b, out);
  test::finish();
  std::exit(0);
}

// Each thread reads what the thread before it writes.
TEST(RealKernel, ThatOverwritesWhatOtherThreadsReadIsADataRace) {
  if (!kSeesRaces) GTEST_SKIP() << "built without TSan (ISOBATH_SANITIZE=thread)";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Tensor a = values_of(kCount + 1), b = values_of(kCount);
  const View<float> shifted{first(a, kCount).data + 1, Shape{kCount}};
  EXPECT_EXIT(add_and_exit(first(a, kCount), first(b, kCount), shifted), testing::ExitedWithCode(66), "data race");
}

TEST(RealKernel, ThatReadsBeyondATensorIsReported) {
  if (!kSeesBounds) GTEST_SKIP() << "built without ASan (ISOBATH_SANITIZE=address)";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Tensor a = values_of(kCount), b = values_of(kCount + 1), out = values_of(kCount + 1);
  EXPECT_DEATH(add_and_exit(first(a, kCount + 1), first(b, kCount + 1), first(out, kCount + 1)),
               "heap-buffer-overflow");
}

}  // namespace
}  // namespace isobath::emulated
