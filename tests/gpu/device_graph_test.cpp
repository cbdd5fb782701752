// Work that is recorded once and repeated: it does not run while it is recorded, reads memory anew, sends again what it
// sent, and has memory that nothing else gets.

#include "ops/core/device_graph.hpp"

#include "gpu/devices.hpp"
#include "ops/add/add.hpp"
#include "ops/core/host_waits.hpp"

namespace isobath {
namespace {

constexpr std::int64_t kCount = 1000;

class DeviceGraph : public test::OnDevice {
 protected:
  static Tensor filled(float value) { return Tensor::from(Shape{kCount}, std::vector<float>(kCount, value), device()); }
  static std::vector<float> all(float value) { return std::vector<float>(kCount, value); }
  CudaGraph record(const std::function<void()>& body) {
    return cuda_record(device(), [&] {
      const MemoryPool::Scope scope(pool_);
      body();
    });
  }

  MemoryPool pool_;
};

TEST_P(DeviceGraph, RepeatsItsWorkOnWhatMemoryHoldsThen) {
  const Tensor x = filled(1.0F), out = filled(-1.0F);
  const CudaGraph graph = record([&] { out.copy_from(add(add(x, x), x)); });
  EXPECT_EQ(out.to_vector<float>(), all(-1.0F)) << "it ran while it was recorded";
  for (const float value : {2.0F, 5.0F}) {
    x.copy_from(filled(value));
    const Tensor between = filled(7.0F);  // what lives outside is left alone
    cuda_launch(device(), graph);
    EXPECT_EQ(out.to_vector<float>(), all(3.0F * value));
    EXPECT_EQ(between.to_vector<float>(), all(7.0F));
  }
}

TEST_P(DeviceGraph, SendsAgainWhatItSent) {
  const Tensor out = filled(0.0F);
  std::vector<float> values = all(4.0F);
  const CudaGraph graph = record([&] { out.copy_from(Tensor::from(Shape{kCount}, values, device())); });
  values = all(9.0F);
  for (int i = 0; i < 40; ++i) filled(static_cast<float>(i));  // other uploads in between
  for (int launch = 0; launch < 2; ++launch) {
    out.fill_zero();
    cuda_launch(device(), graph);
    EXPECT_EQ(out.to_vector<float>(), all(4.0F));
  }
}

TEST_P(DeviceGraph, TakesNewMemoryOnlyWhereThePoolHasNone) {
  const Tensor x = filled(1.0F), out = filled(0.0F);
  const auto body = [&] { out.copy_from(add(add(x, x), x)); };
  const std::int64_t waits = host_waits();
  const CudaGraph cold = record(body);
  EXPECT_GT(host_waits(), waits) << "memory that a capture needs has to be waited for";
  const std::int64_t waited = host_waits(), created = allocator_stats(DeviceKind::Cuda).blocks_created;
  const CudaGraph warm = record(body);
  EXPECT_EQ(host_waits(), waited);
  EXPECT_EQ(allocator_stats(DeviceKind::Cuda).blocks_created, created);
  cuda_launch(device(), cold);
  cuda_launch(device(), warm);
  EXPECT_EQ(out.to_vector<float>(), all(3.0F));
}

TEST_P(DeviceGraph, LeavesTheQueueAsItWasAfterAnException) {
  const Tensor x = filled(1.0F);
  EXPECT_THROW(record([&] { throw std::length_error("planted"); }), std::length_error);
  EXPECT_FALSE(cuda_is_recording());
  EXPECT_THROW(record([&] { x.to_vector<float>(); }), std::exception) << "a wait within a recording";
  EXPECT_THROW(record([&] { record([] {}); }), InternalError);
  EXPECT_EQ(add(x, x).to_vector<float>(), all(2.0F));
}

TEST_P(DeviceGraph, GoesWhileItsLaunchIsStillQueued) {
  const Tensor out = filled(0.0F);
  {
    const CudaGraph graph = record([&] { out.copy_from(Tensor::from(Shape{kCount}, all(4.0F), device())); });
    cuda_launch(device(), graph);
  }
  EXPECT_EQ(out.to_vector<float>(), all(4.0F));
}

INSTANTIATE_TEST_SUITE_P(Devices, DeviceGraph, ::testing::Values(Device::cuda(0)), test::device_name);

class Pool : public test::OnDevice {};

TEST_P(Pool, KeepsItsBlocksForItself) {
  const MemoryPool pool;
  const auto make = [&] { return Tensor::empty(Shape{kCount}, DType::F32, device()); };
  const void* pooled = nullptr;
  {
    const MemoryPool::Scope scope(pool);
    pooled = make().raw();
  }
  EXPECT_NE(make().raw(), pooled);
  const std::int64_t created = allocator_stats(device().kind).blocks_created;
  trim_allocator();
  {
    const MemoryPool::Scope scope(pool);
    EXPECT_EQ(make().raw(), pooled);
  }
  EXPECT_EQ(allocator_stats(device().kind).blocks_created, created);
}

TEST_P(Pool, MayGoBeforeItsBlocks) {
  Tensor kept;
  {
    const MemoryPool pool;
    const MemoryPool::Scope scope(pool);
    kept = Tensor::from(Shape{kCount}, std::vector<float>(kCount, 2.0F), device());
  }
  EXPECT_EQ(kept.to_vector<float>(), std::vector<float>(kCount, 2.0F));
}

ON_EVERY_DEVICE(Pool);

}  // namespace
}  // namespace isobath
