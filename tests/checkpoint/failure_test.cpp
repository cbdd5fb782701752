// Storage that fails under one rank: every rank ends with the same error, what was whole stays, the next save works.

#include <algorithm>
#include <cerrno>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint/faults.hpp"
#include "checkpoint/support.hpp"
#include "trainer/checkpoint/catalog/find.hpp"
#include "trainer/checkpoint/storage/observer.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;

constexpr int kWorld = 3;

std::vector<std::string> errors_of_save(const fs::path& root, std::int64_t step) {
  const auto tensors = tensors_at(step);
  return errors_of_ranks(kWorld, [&](Communicator& ranks) { save_checkpoint(root, state_at(step), tensors, ranks); });
}

std::size_t open_files() {
  const fs::directory_iterator entries("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

/// Every rank has the same error, and `parts` are in it.
void expect_same(const std::vector<std::string>& errors, const std::vector<std::string>& parts) {
  for (const std::string& error : errors) EXPECT_EQ(error, errors[0]);
  for (const std::string& part : parts)
    EXPECT_NE(errors[0].find(part), std::string::npos) << part << "\nnot in: " << errors[0];
}

struct Case {
  const char* name;
  Fault fault;
  std::vector<std::string> parts;
};

void PrintTo(const Case& failure, std::ostream* out) { *out << failure.name; }

class FailingCall : public ::testing::TestWithParam<Case> {};

TEST_P(FailingCall, IsOneErrorOnAllRanks) {
  const Scratch scratch;
  save_at(scratch.root(), 100, 2);
  const std::size_t files_open = open_files();
  {
    const FaultPlan plan(GetParam().fault);
    expect_same(errors_of_save(scratch.root(), 200), GetParam().parts);
    EXPECT_GE(plan.hits(), 1) << "the planned call was never made";
  }
  EXPECT_EQ(open_files(), files_open) << "a failed save keeps files open";
  EXPECT_FALSE(fs::exists(scratch.root() / "step-00000200" / "manifest.json"));
  for (const auto& [name, content] : files_below(scratch.root() / "step-00000200"))
    EXPECT_FALSE(name.ends_with(".h5.tmp")) << name << " keeps the disk full";
  const LatestCheckpoint latest = find_latest(scratch.root(), VerifyLevel::Full);
  EXPECT_EQ(latest.directory, scratch.root() / "step-00000100");
  expect_loads(*latest.directory, 100);
  EXPECT_EQ(errors_of_save(scratch.root(), 200), std::vector<std::string>(kWorld)) << "the next save must work";
  expect_loads(scratch.root() / "step-00000200", 200);
}

const Case kCases[] = {
    {"CreateShard",
     {"open", "shard-00001-of", EACCES},
     {"rank 1:", "shard-00001-of-00003.h5.tmp", "Permission denied"}},
    {"FirstBytes", {"pwrite", "shard-00001-of", ENOSPC}, {"rank 1:", "shard-00001-of", "No space left on device"}},
    {"LaterBytes", {"pwrite", "shard-00002-of", ENOSPC, 3}, {"rank 2:", "No space left on device"}},
    {"SyncShard", {"fsync", "shard-00000-of", EIO}, {"rank 0:", "shard-00000-of", "Input/output error"}},
    {"RenameShard", {"rename", "shard-00001-of", EACCES}, {"rank 1:", "final name", "Permission denied"}},
    {"OneOnEachRank", {"fsync", "step-00000200/shard-", EIO}, {"rank 0:", "rank 1:", "rank 2:"}},
    {"CreateManifest", {"open", "manifest.json.tmp", EROFS}, {"rank 0:", "manifest.json.tmp", "Read-only file system"}},
    {"WriteManifest", {"write", "manifest.json.tmp", ENOSPC}, {"rank 0:", "manifest.json.tmp", "free some space"}},
    {"SyncManifest", {"fsync", "manifest.json.tmp", EDQUOT}, {"rank 0:", "manifest.json.tmp", "quota"}},
    {"RenameManifest", {"rename", "manifest.json.tmp", EIO}, {"rank 0:", "manifest.json.tmp", "final name"}},
};

INSTANTIATE_TEST_SUITE_P(Storage, FailingCall, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Failure, LeftoversOfAnotherWorldAreRemoved) {
  const Scratch scratch;
  const fs::path directory = scratch.root() / "step-00000200";
  fs::create_directories(directory);
  for (const char* name : {"shard-00002-of-00008.h5", "shard-00004-of-00008.h5.tmp", "manifest.json.tmp"})
    write_file(directory / name, "left by a save of eight ranks that was killed");
  save_at(scratch.root(), 200, 2);
  std::vector<std::string> names;
  for (const auto& [name, content] : files_below(directory)) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"manifest.json", "shard-00000-of-00002.h5", "shard-00001-of-00002.h5",
                                             "tensors.h5"}));
}

TEST(Failure, ReadingFailsOnOneRankAndOnAll) {
  const Scratch scratch;
  const fs::path directory = save_at(scratch.root(), 100, 2);
  const FaultPlan plan({"pread", "shard-00001-of", EIO});
  const auto errors =
      errors_of_ranks(kWorld, [&](Communicator& ranks) { load_checkpoint(directory, blank_tensors(), ranks); });
  expect_same(errors, {"shard-00001-of-00002.h5", "Input/output error"});
}

TEST(Failure, AnythingThrownAtAnyPointOfAnyRankReachesAll) {
  for (const CheckpointPoint point : kCheckpointPoints) {
    if (point >= CheckpointPoint::ManifestDone) continue;  // later the checkpoint counts
    const Scratch scratch;
    save_at(scratch.root(), 100, 2);
    set_checkpoint_observer([point](CheckpointPoint at) {
      if (at == point) throw std::runtime_error("planned");
    });
    expect_same(errors_of_save(scratch.root(), 200), {"rank", "planned"});
    set_checkpoint_observer({});
    EXPECT_EQ(find_latest(scratch.root(), VerifyLevel::Full).directory, scratch.root() / "step-00000100");
    EXPECT_EQ(errors_of_save(scratch.root(), 200), std::vector<std::string>(kWorld));
    expect_loads(scratch.root() / "step-00000200", 200);
  }
}

TEST(Failure, AStateThatCannotBeWrittenIsFoundBeforeAnyShard) {
  const Scratch scratch;
  TrainingState state = state_at(1);
  state.config_text = "not UTF-8: \xff";
  const auto save = [&](Communicator& ranks) { save_checkpoint(scratch.root(), state, tensors_at(1), ranks); };
  expect_same(errors_of_ranks(2, save), {"not UTF-8"});
  EXPECT_FALSE(fs::exists(scratch.root()));
  state = state_at(1);
  state.extra = "{";
  expect_same(errors_of_ranks(2, save), {"'extra' is not JSON"});
}

// The superuser may write anywhere: the child becomes nobody first.
TEST(Failure, AReadOnlyDirectory) {
  const Scratch scratch;
  fs::permissions(scratch.path(), fs::perms{0555});
  const int status = in_child([&] {
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) throw std::runtime_error("cannot become nobody");
    expect_same(errors_of_save(scratch.root(), 1),
                {"rank 0:", scratch.root().string(), "Permission denied", "writable"});
  });
  fs::permissions(scratch.path(), fs::perms{0755});
  EXPECT_EQ(status, 0);
}

/// A file system of one mebibyte, if this process may mount one.
class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& path) : path_(path) {
    fs::create_directory(path);
    mounted_ = mount("none", path.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }

 private:
  fs::path path_;
  bool mounted_ = false;
};

void fill_up(const fs::path& disk) {
  std::ofstream stream(disk / "ballast", std::ios::binary);
  const std::string page(4096, 'x');
  while (stream.write(page.data(), 4096).flush()) continue;
}

TEST(Failure, ADiskThatIsTooSmallIsFoundBeforeWriting) {
  const Scratch scratch;
  const SmallDisk disk(scratch.root());
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs the superuser";
  const std::vector<NamedTensor> large = {{"large", Tensor::zeros({1 << 20}, DType::F32)}};
  expect_same(
      errors_of_ranks(2, [&](Communicator& ranks) { save_checkpoint(scratch.root(), state_at(1), large, ranks); }),
      {"rank 0:", "are free", "keep_last"});
}

TEST(Failure, ADiskThatFillsUpUnderway) {
  const Scratch scratch;
  const SmallDisk disk(scratch.root());
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs the superuser";
  save_at(scratch.root(), 100, 2);
  set_checkpoint_observer([&](CheckpointPoint point) {
    if (point == CheckpointPoint::BeforeShard) fill_up(scratch.root());
  });
  expect_same(errors_of_save(scratch.root(), 200), {"No space left on device"});
  set_checkpoint_observer({});
  fs::remove(scratch.root() / "ballast");
  EXPECT_EQ(find_latest(scratch.root(), VerifyLevel::Full).directory, scratch.root() / "step-00000100");
  EXPECT_EQ(errors_of_save(scratch.root(), 200), std::vector<std::string>(kWorld));
  expect_loads(scratch.root() / "step-00000200", 200);
}

}  // namespace
}  // namespace isobath::test
