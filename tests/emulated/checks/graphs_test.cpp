// Captured work: it does not run, a launch runs it with the arguments of the capture, and orders that the graph does
// not fix differ between schedules.

#include "ops/core/cuda/matmul.hpp"
#include "tests/emulated/api/waits.hpp"
#include "tests/emulated/checks/graph_harness.hpp"

namespace isobath::emulated {
namespace {

using test::add_to;
using test::begin;
using test::Executable;
using test::HostInts;
using test::set_to;

class Graphs : public test::InEverySchedule {};

TEST_P(Graphs, DoNotRunWhatIsCaptured) {
  const cuda::Stream stream;
  const test::DeviceArray<int> value(1);
  value.write({3});
  begin(stream);
  add_to(stream, value.data(), 4);
  const Executable captured(stream);
  test::finish();
  EXPECT_EQ(value.read(), std::vector<int>{3});
  captured.launch(stream);
  test::finish();
  EXPECT_EQ(value.read(), std::vector<int>{7});
}

TEST_P(Graphs, RepeatTheirArgumentsAndReadMemoryAnew) {
  const cuda::Stream stream;
  const test::DeviceArray<int> value(1), copy(1);
  int more = 5;
  begin(stream);
  add_to(stream, value.data(), more);
  ASSERT_EQ(cudaMemcpyAsync(copy.data(), value.data(), sizeof(int), cudaMemcpyDeviceToDevice, test::handle_of(stream)),
            cudaSuccess);
  const Executable captured(stream);
  more = 100;
  for (const int start : {1, 20}) {
    set_to(stream, value.data(), start);
    captured.launch(stream);
    add_to(stream, copy.data(), 1);
    stream.wait();
    EXPECT_EQ(copy.read(), std::vector<int>{start + 6});
  }
}

TEST_P(Graphs, JoinTheStreamsThatEventsOrder) {
  const cuda::Stream first, second;
  const cuda::Event forked, joined;
  const test::DeviceArray<int> value(1), other(1);
  begin(first);
  set_to(first, value.data(), 1);
  forked.record(first.queue());
  forked.before(second.queue());
  add_to(second, value.data(), 10);
  set_to(first, other.data(), 2);
  joined.record(second.queue());
  joined.before(first.queue());
  add_to(first, value.data(), 100);
  const Executable captured(first);
  for (int i = 0; i < 3; ++i) captured.launch(second);
  second.wait();
  EXPECT_EQ(value.read(), std::vector<int>{111});
  EXPECT_EQ(other.read(), std::vector<int>{2});
}

TEST_P(Graphs, LaunchesOfOneGraphFollowEachOther) {
  const cuda::Stream first, second;
  const test::DeviceArray<int> value(1);
  value.write({0});
  begin(first);
  add_to(first, value.data(), 1);
  const Executable captured(first);
  for (int i = 0; i < 3; ++i) {
    captured.launch(first);
    captured.launch(second);
  }
  second.wait();
  EXPECT_EQ(value.read(), std::vector<int>{6});
}

TEST_P(Graphs, ALaunchIsOneCallAndOneDestroyedStillRuns) {
  const cuda::Stream stream;
  const test::DeviceArray<int> value(1);
  set_to(stream, value.data(), 0);
  {
    begin(stream);
    const std::int64_t before = launches();
    for (int i = 0; i < 5; ++i) add_to(stream, value.data(), 1);
    EXPECT_EQ(launches(), before) << "captured work was queued";
    const Executable captured(stream);
    captured.launch(stream);
    EXPECT_EQ(launches(), before + 1);
  }
  stream.wait();
  EXPECT_EQ(value.read(), std::vector<int>{5});
}

TEST_P(Graphs, CaptureProducts) {
  const CudaQueue queue = test::queue();
  const test::DeviceArray<float> a(1), b(1), out(1);
  const auto multiply = [&] {
    cuda::matmul(queue, {a.data(), DType::F32, 1, 1}, {b.data(), DType::F32, 1, 1}, {out.data(), DType::F32, 1, 1});
  };
  a.write({2});
  b.write({3});
  multiply();  // the workspace and the algorithm are there from here on
  ASSERT_EQ(cudaStreamBeginCapture(cuda::stream_of(queue), cudaStreamCaptureModeThreadLocal), cudaSuccess);
  multiply();
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  ASSERT_EQ(cudaStreamEndCapture(cuda::stream_of(queue), &graph), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph), cudaSuccess);
  a.write({5});
  ASSERT_EQ(cudaGraphLaunch(executable, cuda::stream_of(queue)), cudaSuccess);
  EXPECT_EQ(out.read(), std::vector<float>{15});
  EXPECT_EQ(cudaGraphExecDestroy(executable), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
}

IN_EVERY_SCHEDULE(Graphs);

// Two branches without an event between them: which one is last depends on the schedule.
int last_of_two_branches(Schedule schedule) {
  const test::ScheduleScope scope(schedule);
  const cuda::Stream first, second;
  const cuda::Event forked, joined;
  const test::DeviceArray<int> value(1);
  begin(first);
  forked.record(first.queue());
  forked.before(second.queue());
  set_to(first, value.data(), 1);
  set_to(second, value.data(), 2);
  joined.record(second.queue());
  joined.before(first.queue());
  const Executable captured(first);
  captured.launch(first);
  first.wait();
  return value.read().front();
}

TEST(GraphOrders, AMissingEventInAGraphGivesOtherAnswers) {
  EXPECT_EQ(last_of_two_branches({ScheduleKind::Eager}), 2);
  EXPECT_EQ(last_of_two_branches({ScheduleKind::Late}), 1);
}

TEST(GraphOrders, MemoryThatIsGoneIsAFaultOfTheLaunch) {
  const test::ScheduleScope scope({ScheduleKind::Eager});
  const cuda::Stream stream;
  int* value = nullptr;
  ASSERT_EQ(cudaMallocAsync(reinterpret_cast<void**>(&value), sizeof(int), test::handle_of(stream)), cudaSuccess);
  begin(stream);
  set_to(stream, value, 1);
  const Executable captured(stream);
  ASSERT_EQ(cudaFreeAsync(value, test::handle_of(stream)), cudaSuccess);
  EXPECT_THROW(captured.launch(stream), Fault);
}

}  // namespace
}  // namespace isobath::emulated
