// What only the emulation promises: mistakes that its late schedule shows, planted here, and what its NCCL says.

#include <functional>
#include <utility>
#include <vector>

#include "gpu_ranks/ranks.hpp"
#include "support/ranked/bodies.hpp"
#include "tests/emulated/streams/schedule.hpp"

namespace isobath {
namespace {

RANKED_TEST(PlantedFaults, a_result_that_nothing_waits_for_is_not_there) {
  if (emulated::schedule().kind != emulated::ScheduleKind::Late) return;  // others may have run it already
  const Tensor data = test::on_device(std::vector<std::int32_t>(100, 0));
  const Tensor one = test::on_device(std::vector<std::int32_t>(100, 1));
  data.copy_from(one);
  Collective sum = ranks.all_reduce(data, Reduce::Sum);
  const Tensor early = Tensor::zeros(Shape{100}, DType::I32, test::device());
  early.copy_from(data);  // without sum.before(queue)
  const std::int32_t seen = early.to_vector<std::int32_t>()[0];
  EXPECT_EQ(seen, 1);
  ranks.barrier();
  sum.wait();
  EXPECT_EQ(data.to_vector<std::int32_t>()[0], ranks.size());
}

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const PeerError& error) {
    return error.what();
  }
  return {};
}

// Long before the limit. Between GPUs of one machine NCCL need not notice, and the limit has to do.
RANKED_TEST(GpuFailures, of_a_rank_that_leaves_are_passed_on_by_nccl) {
  if (ranks.size() == 1) return;
  auto group = nccl_communicator(ranks, test::device(), {.start = 60, .collective = 12, .abort = 60});
  const Tensor data = Tensor::zeros(Shape{10}, DType::F32, test::device());
  group->all_reduce(data, Reduce::Sum).wait();
  const bool leaves = ranks.rank() == ranks.size() - 1;
  std::vector<Collective> calls;
  if (!leaves) calls.push_back(group->all_reduce(data, Reduce::Sum));
  ranks.barrier();
  if (!leaves) {
    const std::string words = error_of([&] { calls[0].wait(); });
    EXPECT_NE(words.find("a rank is gone, NCCL says"), std::string::npos) << words;
    return;
  }
  try {
    const auto left = std::move(group);
    throw InternalError("what makes a rank leave");
  } catch (const InternalError&) {
  }
}

// NCCL itself looks at no address; the stand-in refuses what its manual forbids. The communicator stays of use.
RANKED_TEST(GpuCollectives, that_nccl_refuses_are_errors_of_the_caller) {
  if (ranks.size() == 1) return;
  const Tensor whole = Tensor::zeros(Shape{10 * ranks.size()}, DType::F32, test::device());
  EXPECT_THROW(ranks.all_gather(whole.slice(5, Shape{10}), whole), InternalError);
  const Tensor one = test::on_device(std::vector<std::int32_t>(10, 1));
  ranks.all_reduce(one, Reduce::Sum).wait();
  EXPECT_EQ(one.to_vector<std::int32_t>()[9], ranks.size());
}

RANKED_TEST(GpuVersions, are_those_of_the_library) { EXPECT_EQ(nccl_version(), "2.28.9"); }

}  // namespace
}  // namespace isobath
