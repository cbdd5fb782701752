// Mistakes that the emulation's late schedule shows, planted here.

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

}  // namespace
}  // namespace isobath
