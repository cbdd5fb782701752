// The real cuDNN checks isobath's graphs of attention and generates their code for H100 and A100.

#include <gmock/gmock.h>

#include "cudnn/planned.hpp"

namespace isobath::test {
namespace {

using kernel::SdpaExtents;
using testing::HasSubstr;

struct Case {
  const char* name;
  DeviceFacts device;
  SdpaExtents extents;
};
std::ostream& operator<<(std::ostream& out, const Case& it) { return out << it.name; }

class CudnnGraphs : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (const std::string why = cannot_plan(); !why.empty()) GTEST_SKIP() << why;
  }
  static void expect_kernels(const kernel::SdpaGraph& graph) {
    const Planned answer = planned(graph, GetParam().device);
    EXPECT_EQ(answer.refusal, "");
    EXPECT_GT(answer.generated, 0) << answer.last_words;
    std::printf("%d kernels proposed, code of %d generated\n", answer.proposed, answer.generated);
  }
};

TEST_P(CudnnGraphs, ForwardHasKernels) {
  expect_kernels(kernel::sdpa_graph(GetParam().extents, {GetParam().device.sm}));
}

TEST_P(CudnnGraphs, BackwardHasKernels) {
  expect_kernels(kernel::sdpa_backward_graph(GetParam().extents, {GetParam().device.sm}));
}

constexpr SdpaExtents kNarrow{8, 1024, 12, 12, 64}, kGrouped{4, 2048, 16, 4, 128}, kRagged{3, 1000, 6, 2, 64};

INSTANTIATE_TEST_SUITE_P(Devices, CudnnGraphs,
                         ::testing::Values(Case{"H100Width64", kH100, kNarrow},
                                           Case{"H100GroupedWidth128", kH100, kGrouped},
                                           Case{"H100OddLength", kH100, kRagged}, Case{"A100Width64", kA100, kNarrow},
                                           Case{"A100GroupedWidth128", kA100, kGrouped},
                                           Case{"A100OddLength", kA100, kRagged}),
                         [](const auto& info) { return info.param.name; });

// What sdpa_takes() keeps from cuDNN, cuDNN does refuse: else the answers above would say nothing.
TEST(CudnnRefusals, HeadsOfAnOddWidth) {
  if (const std::string why = cannot_plan(); !why.empty()) GTEST_SKIP() << why;
  const Planned answer = planned(kernel::sdpa_graph({2, 128, 4, 4, 60}, {kH100.sm}), kH100);
  EXPECT_THAT(answer.refusal, HasSubstr("multiple of 8"));
}

TEST(CudnnRefusals, SequencesOfOneRow) {
  if (const std::string why = cannot_plan(); !why.empty()) GTEST_SKIP() << why;
  const Planned answer = planned(kernel::sdpa_backward_graph({2, 1, 4, 4, 64}, {kH100.sm}), kH100);
  EXPECT_THAT(answer.refusal, HasSubstr("s_q = s_kv = 1"));
}

}  // namespace
}  // namespace isobath::test
