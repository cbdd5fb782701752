// What `isobath doctor` says of GPUs, NCCL and cuDNN in this build.

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "ops/core/files/json.hpp"
#include "support/temp_folder.hpp"

namespace isobath::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Findings = std::map<std::string, std::string>;

/// The report of the program, started with further variables in its environment.
Findings doctor(const std::string& environment = {}) {
  const std::string command = "env " + environment + " " ISOBATH_PROGRAM " doctor --json";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::string said;
  std::array<char, 4096> part{};
  while (const std::size_t got = std::fread(part.data(), 1, part.size(), pipe.get())) said.append(part.data(), got);
  Findings out;
  for (const auto& line : nlohmann::json::parse(said)) out[line.at("what")] = line.at("found");
  return out;
}

bool is_emulated() { return std::string(ISOBATH_CUDA_KIND) == "emulated"; }

TEST(Doctor, SaysThatThereIsNoCuda) {
  if (is_emulated()) GTEST_SKIP() << "this build has CUDA, emulated";
  const Findings found = doctor();
  EXPECT_EQ(found.at("CUDA devices"), "0 (this isobath was built without CUDA)");
  EXPECT_THAT(found.at("CUDA driver"), StartsWith("unknown: "));
  for (const char* what : {"CUDA runtime", "NVLink", "NCCL", "cuDNN"})
    EXPECT_THAT(found.at(what), StartsWith("none: ")) << what;
}

TEST(Doctor, ListsDevices) {
  if (!is_emulated()) GTEST_SKIP() << "this build has no devices";
  const Findings found = doctor("ISOBATH_EMULATED_DEVICES=2");
  EXPECT_EQ(found.at("CUDA devices"), "2");
  for (const char* device : {"cuda:0", "cuda:1"})
    EXPECT_EQ(
        found.at(device),
        "CUDA emulated on the CPU, whose times mean nothing, 81920 MiB, compute capability 9.0, 4 multiprocessors");
  EXPECT_EQ(found.at("CUDA runtime"), "13.0");
  EXPECT_EQ(found.at("NCCL"), "2.28.9");
  EXPECT_THAT(found.at("cuDNN"), StartsWith("none: "));
  EXPECT_FALSE(found.contains("NVLink"));
}

TEST(Doctor, SaysThatNoDeviceIsVisible) {
  if (!is_emulated()) GTEST_SKIP() << "this build has no devices";
  const Findings found = doctor("ISOBATH_EMULATED_DEVICES=0");
  EXPECT_THAT(found.at("CUDA devices"), HasSubstr("0 ("));
  EXPECT_THAT(found.at("NVLink"), StartsWith("none: "));
  EXPECT_FALSE(found.contains("cuda:0"));
}

TEST(Doctor, SaysThatTheManagementLibraryIsNotThere) {
  if (!is_emulated()) GTEST_SKIP() << "this build asks for no driver";
  const Findings found = doctor();
  if (found.at("CUDA driver").find(',') != std::string::npos) GTEST_SKIP() << "this machine has a driver";
  EXPECT_EQ(found.at("CUDA driver"), "for CUDA up to 13.0");
  EXPECT_EQ(found.at("cuda:0 NVLink"), "unknown: the driver's libnvidia-ml.so.1 is not there");
}

TEST(Doctor, CountsNvlinkConnections) {
  if (!is_emulated()) GTEST_SKIP() << "this build asks for no driver";
  const Findings found = doctor("ISOBATH_EMULATED_DEVICES=3 LD_LIBRARY_PATH=" ISOBATH_NVML_FOLDER);
  EXPECT_EQ(found.at("CUDA driver"), "580.65.06, for CUDA up to 13.0");
  EXPECT_EQ(found.at("cuda:0 NVLink"), "18 of 18 NVLink links active");
  EXPECT_EQ(found.at("cuda:1 NVLink"), "17 of 18 NVLink links active");
  EXPECT_THAT(found.at("cuda:2 NVLink"), StartsWith("unknown: nvmlDeviceGetHandleByPciBusId: "));
}

TEST(Doctor, SaysWhyTheManagementLibraryDoesNotStart) {
  if (!is_emulated()) GTEST_SKIP() << "this build asks for no driver";
  const Findings found = doctor("STANDIN_NVML=unloaded LD_LIBRARY_PATH=" ISOBATH_NVML_FOLDER);
  EXPECT_EQ(found.at("CUDA driver"), "for CUDA up to 13.0");
  EXPECT_EQ(found.at("cuda:0 NVLink"), "unknown: nvmlInit: Driver Not Loaded (9)");
}

// Not what doctor says, but what it foretells.
TEST(Training, RefusesAttentionByCudnnWhereTheBuildHasNone) {
  if (!is_emulated()) GTEST_SKIP() << "this build has no devices, and refuses those";
  const TempFolder folder;
  std::ofstream(folder / "run.yaml") << "data: {path: data}\nsystem: {device: cuda, dtype: bf16, attention: cudnn}\n";
  const std::string command =
      "cd '" + folder.path().string() + "' && " ISOBATH_PROGRAM " train run.yaml >said 2>&1 </dev/null";
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 69);
  std::ifstream file(folder / "said");
  const std::string said{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(said, HasSubstr("system.attention is cudnn, but this isobath was built without cuDNN"));
}

}  // namespace
}  // namespace isobath::test
