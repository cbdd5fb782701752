// What cuda_report() and NVML behind it say, in this process: every answer of the management library and none.

#include "ops/core/cuda_report.hpp"

#include <cstdlib>

#include <dlfcn.h>
#include <gmock/gmock.h>

#include "ops/core/cuda/report/nvml.hpp"

namespace isobath::cuda {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kFirst[] = "0000:01:00.0", kSecond[] = "0000:02:00.0", kUnknown[] = "0000:03:00.0";

/// The stand-in for NVML, loaded under the real one's name: who asks for that gets it, wherever it lies.
class StandIn {
 public:
  explicit StandIn(const char* path, const char* mood = "") : library_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (library_ == nullptr) throw std::runtime_error(dlerror());
    setenv("STANDIN_NVML", mood, 1);
  }
  ~StandIn() {
    unsetenv("STANDIN_NVML");
    dlclose(library_);
  }
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  int users() const { return reinterpret_cast<int (*)()>(dlsym(library_, "standin_users"))(); }

 private:
  void* library_;
};

bool is_loaded() {
  void* const library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_NOLOAD);
  if (library != nullptr) dlclose(library);
  return library != nullptr;
}

TEST(Nvml, SaysThatItIsNotThere) {
  if (void* const real = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)) {
    dlclose(real);
    GTEST_SKIP() << "this machine has a driver";
  }
  const Nvml nvml;
  EXPECT_EQ(nvml.links(kFirst), "unknown: the driver's libnvidia-ml.so.1 is not there");
  EXPECT_EQ(nvml.driver_version(), "");
}

TEST(Nvml, TellsVersionAndLinks) {
  const StandIn stand_in(ISOBATH_NVML);
  const Nvml nvml;
  EXPECT_EQ(nvml.driver_version(), "580.65.06");
  EXPECT_EQ(nvml.links(kFirst), "18 of 18 NVLink links active");
  EXPECT_EQ(nvml.links(kSecond), "17 of 18 NVLink links active");
  EXPECT_EQ(nvml.links(kUnknown), "unknown: nvmlDeviceGetHandleByPciBusId: Other (6)");
}

TEST(Nvml, EndsWhatItBeganAndNothingElse) {
  for (const char* mood : {"", "unloaded"}) {
    const StandIn stand_in(ISOBATH_NVML, mood);
    {
      const Nvml nvml;
      EXPECT_EQ(stand_in.users(), *mood == '\0' ? 1 : 0);
    }
    EXPECT_EQ(stand_in.users(), 0);
  }
  EXPECT_FALSE(is_loaded());
}

TEST(Nvml, SaysWhyItDoesNotStart) {
  const StandIn stand_in(ISOBATH_NVML, "unloaded");
  const Nvml nvml;
  EXPECT_EQ(nvml.links(kFirst), "unknown: nvmlInit: Driver Not Loaded (9)");
  EXPECT_EQ(nvml.driver_version(), "");
}

TEST(Nvml, SaysWhatIsWrongWithADevice) {
  const StandIn stand_in(ISOBATH_NVML, "lost");
  EXPECT_EQ(Nvml().links(kFirst), "unknown: nvmlDeviceGetNvLinkState: Other (15)");
}

TEST(Nvml, SaysThatThereAreNoLinks) {
  const StandIn stand_in(ISOBATH_NVML, "bare");
  EXPECT_EQ(Nvml().links(kFirst), "no NVLink");
}

TEST(Nvml, MayBeTooOldForLinks) {
  const StandIn stand_in(ISOBATH_OLD_NVML);
  const Nvml nvml;
  EXPECT_EQ(nvml.driver_version(), "580.65.06");
  EXPECT_EQ(nvml.links(kFirst), "unknown: the driver is too old to say");
}

TEST(CudaReport, TellsOfEachDevice) {
  const StandIn stand_in(ISOBATH_NVML);
  const CudaReport report = cuda_report();
  EXPECT_EQ(report.driver, "580.65.06, for CUDA up to 13.0");
  EXPECT_EQ(report.runtime, "13.0");
  ASSERT_EQ(report.devices.size(), 2U);
  for (const CudaDeviceReport& device : report.devices) {
    EXPECT_THAT(device.name, StartsWith("CUDA emulated"));
    EXPECT_EQ(device.bytes, std::int64_t{80} << 30);
    EXPECT_EQ(device.multiprocessors, 4);
    EXPECT_EQ(device.major, 9);
    EXPECT_EQ(device.minor, 0);
  }
  EXPECT_THAT(report.devices[0].links, HasSubstr("18 of 18"));
  EXPECT_THAT(report.devices[1].links, HasSubstr("17 of 18"));
}

}  // namespace
}  // namespace isobath::cuda
