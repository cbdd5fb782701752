// The order in which bytes become durable, and that they are never copied on their way, seen at the system calls.

#include <algorithm>
#include <cerrno>

#include <gtest/gtest.h>

#include "checkpoint/faults.hpp"
#include "checkpoint/support.hpp"
#include "parallel/self_communicator.hpp"
#include "parallel/thread_ranks.hpp"
#include "trainer/checkpoint/catalog/find.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;

constexpr int kNever = -1;

/// Index of the first call of that kind on exactly that path from `from` on; kNever when there is none.
int first(const std::vector<Call>& calls, const std::string& call, const fs::path& path, int from = 0) {
  for (int i = std::max(from, 0); i < static_cast<int>(calls.size()); ++i)
    if (calls[static_cast<std::size_t>(i)].call == call && calls[static_cast<std::size_t>(i)].path == path) return i;
  return kNever;
}

/// Index of the last one.
int last(const std::vector<Call>& calls, const std::string& call, const fs::path& path) {
  int found = kNever;
  for (int i = first(calls, call, path); i != kNever; i = first(calls, call, path, i + 1)) found = i;
  return found;
}

/// The file was written, then synced, then renamed, then its directory was synced. Returns when that was.
int expect_durable(const std::vector<Call>& calls, const fs::path& path, const char* write_call) {
  const fs::path temporary = path.string() + ".tmp";
  const int written = last(calls, write_call, temporary), synced = first(calls, "fsync", temporary, written),
            renamed = first(calls, "rename", temporary, synced),
            durable = first(calls, "fsync", path.parent_path(), renamed);
  EXPECT_NE(written, kNever) << path;
  EXPECT_GT(synced, written) << path << ": bytes were written after the sync, or there was none";
  EXPECT_GT(renamed, synced) << path << " was renamed before it was durable";
  EXPECT_GT(durable, renamed) << path << ": the directory was not synced after the rename";
  EXPECT_EQ(first(calls, "rename", temporary), renamed) << path << " was renamed before it was synced";
  return durable;
}

TEST(Durability, ManifestAfterEveryShardAndHintAfterManifest) {
  const Scratch scratch;
  const FaultPlan plan;
  const fs::path directory = save_at(scratch.root(), 200, 3);
  const auto calls = plan.calls();
  const int manifest_opened = first(calls, "open", directory / "manifest.json.tmp");
  for (int rank = 0; rank < 3; ++rank)
    EXPECT_LT(expect_durable(calls, directory / shard_name(rank, 3), "pwrite"), manifest_opened);
  const int manifest = expect_durable(calls, directory / "manifest.json", "write");
  EXPECT_LT(manifest, first(calls, "open", scratch.root() / "latest.tmp"));
  expect_durable(calls, scratch.root() / "latest", "write");
  // The step directory itself is an entry that has to last.
  const int root_synced = first(calls, "fsync", scratch.root());
  EXPECT_NE(root_synced, kNever);
  EXPECT_LT(root_synced, manifest_opened);
  EXPECT_NE(first(calls, "fsync", scratch.path()), kNever) << "the new root was not made durable in its parent";
}

TEST(Durability, TheHintMayFailWithoutTheCheckpoint) {
  const Scratch scratch;
  fs::path directory;
  {
    const FaultPlan plan({"rename", "latest.tmp", EIO});
    directory = save_at(scratch.root(), 200, 2);
    EXPECT_EQ(plan.hits(), 1);
  }
  EXPECT_FALSE(fs::exists(scratch.root() / "latest"));
  EXPECT_EQ(find_latest(scratch.root(), VerifyLevel::Full).directory, directory);
}

/// Whether the call moved bytes between the file and the tensor's own memory.
bool moves(const Call& call, const Tensor& tensor) {
  const auto* const begin = static_cast<const std::byte*>(tensor.raw());
  const auto* const data = static_cast<const std::byte*>(call.data);
  return data >= begin && data + call.bytes <= begin + tensor.bytes();
}

std::size_t bytes_moved(const std::vector<Call>& calls, const std::string& call, const Tensor& tensor) {
  std::size_t bytes = 0;
  for (const Call& made : calls)
    if (made.call == call && moves(made, tensor)) bytes += made.bytes;
  return bytes;
}

TEST(Durability, BuffersAreNotCopied) {
  const Scratch scratch;
  SelfCommunicator self;
  const std::vector<NamedTensor> saved = {{"large", Tensor::zeros({6 << 20}, DType::F32)}};
  fs::path directory;
  {
    const FaultPlan plan;
    directory = save_checkpoint(scratch.root(), state_at(1), saved, self);
    EXPECT_EQ(bytes_moved(plan.calls(), "pwrite", saved[0].tensor), saved[0].tensor.bytes());
  }
  const FaultPlan plan;
  load_checkpoint(directory, saved, self);
  EXPECT_EQ(bytes_moved(plan.calls(), "pread", saved[0].tensor), saved[0].tensor.bytes());
}

TEST(Durability, EachRankReadsOnlyWhatItAskedFor) {
  const Scratch scratch;
  const fs::path directory = save_at(scratch.root(), 1, 4);  // "rows" is the last tensor: in the last shard alone
  const auto all = blank_tensors();
  const std::vector<NamedTensor> wanted = {all.back()};
  SelfCommunicator self;
  const FaultPlan plan;
  load_checkpoint(directory, wanted, self, Unlisted::Ignore);
  for (int rank = 0; rank < 3; ++rank)
    EXPECT_EQ(first(plan.calls(), "open", directory / shard_name(rank, 4)), kNever) << rank;
  EXPECT_NE(first(plan.calls(), "open", directory / shard_name(3, 4)), kNever);
}

}  // namespace
}  // namespace isobath::test
