// The clock of ops: on a device it reads the device's time, not that of the call.

#include "ops/core/op_clock.hpp"

#include "gpu/devices.hpp"
#include "ops/add/add.hpp"

namespace isobath {
namespace {

class OpClockOn : public test::OnDevice {};

TEST_P(OpClockOn, TimesEveryCall) {
  const Tensor a = Tensor::zeros(Shape{1000, 100}, DType::F32, device());
  OpClock clock;
  add(add(a, a), a);
  clock.settle();
  const OpTime& time = clock.of("add");
  EXPECT_EQ(time.calls, 2);
  const double first = time.seconds;
  EXPECT_GT(first, 0.0);
  clock.settle();
  EXPECT_EQ(clock.of("add").seconds, first) << "counted twice";
  add(a, a);
  clock.settle();
  EXPECT_GT(clock.of("add").seconds, first);
}

ON_EVERY_DEVICE(OpClockOn);

}  // namespace
}  // namespace isobath
