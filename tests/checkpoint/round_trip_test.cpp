// What was saved comes back, bit for bit, at any world size.

#include <cstring>
#include <thread>

#include <gtest/gtest.h>

#include "checkpoint/support.hpp"
#include "parallel/self_communicator.hpp"
#include "parallel/thread_ranks.hpp"
#include "trainer/checkpoint/catalog/find.hpp"
#include "trainer/checkpoint/manifest/partition.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;

TEST(RoundTrip, OneRankWithoutThreads) {
  const Scratch scratch;
  SelfCommunicator self;
  const fs::path directory = save_checkpoint(scratch.root(), state_at(1000), tensors_at(1000), self);
  EXPECT_EQ(directory, scratch.root() / "step-00001000");
  EXPECT_EQ(read_file(scratch.root() / "latest"), "step-00001000\n");
  const auto tensors = blank_tensors();
  EXPECT_EQ(load_checkpoint(directory, tensors, self), state_at(1000));
  EXPECT_EQ(bytes_of(tensors), bytes_of(tensors_at(1000)));
}

TEST(RoundTrip, AnyWorldReadsWhatAnyWorldWrote) {
  const Scratch scratch;
  for (const int writers : {1, 2, 3, 5}) {
    const fs::path directory = save_at(scratch.root(), 100 + writers, writers);
    for (const int readers : {1, 2, 4}) expect_loads(directory, 100 + writers, readers);
    EXPECT_TRUE(verify_checkpoint(directory).whole());
  }
}

TEST(RoundTrip, FromOneWorldToTheNextAndBack) {
  const Scratch scratch;
  const auto expected = bytes_of(tensors_at(7));
  fs::path directory = save_at(scratch.root(), 7, 1);
  for (const int world : {4, 3, 1}) {
    const fs::path next = scratch.path() / ("world-" + std::to_string(world));
    run_ranks({.count = world}, [&](Communicator& ranks) {
      const auto tensors = blank_tensors();
      const TrainingState state = load_checkpoint(directory, tensors, ranks);
      save_checkpoint(next, state, tensors, ranks);
    });
    directory = next / "step-00000007";
    expect_loads(directory, 7);
  }
  // What went through every world size is, file for file, what a single rank writes.
  EXPECT_EQ(files_below(directory), files_below(scratch.root() / "step-00000007"));
}

TEST(RoundTrip, MoreRanksThanElements) {
  const Scratch scratch;
  const std::vector<NamedTensor> three = {{"three", Tensor::from(Shape{3}, std::vector<float>{1, 2, 3})}};
  run_ranks({.count = 5}, [&](Communicator& ranks) { save_checkpoint(scratch.root(), state_at(1), three, ranks); });
  const std::vector<NamedTensor> read = {{"three", Tensor::zeros({3}, DType::F32)}};
  SelfCommunicator self;
  load_checkpoint(scratch.root() / "step-00000001", read, self);
  EXPECT_EQ(read[0].tensor.to_vector<float>(), (std::vector<float>{1, 2, 3}));
}

TEST(RoundTrip, RangesOfMoreThanSixteenMebibytes) {
  const Scratch scratch;
  const std::int64_t count = 2 * kRangeBytes / 4 + 1000;  // two whole ranges and a piece, cut again between two ranks
  const Tensor large = Tensor::empty({count}, DType::F32);
  for (std::int64_t i = 0; i < count; ++i) large.view<float>()[i] = static_cast<float>(i % 999983);
  const std::vector<NamedTensor> saved = {{"large", large}};
  run_ranks({.count = 2}, [&](Communicator& ranks) { save_checkpoint(scratch.root(), state_at(1), saved, ranks); });

  const Manifest manifest = read_manifest(scratch.root() / "step-00000001");
  std::vector<std::int64_t> ends;
  for (const Piece& piece : manifest.tensors[0].pieces) ends.push_back(piece.end);
  EXPECT_EQ(ends, (std::vector<std::int64_t>{kRangeBytes / 4, count / 2, 2 * kRangeBytes / 4, count}));

  const std::vector<NamedTensor> read = {{"large", Tensor::zeros({count}, DType::F32)}};
  SelfCommunicator self;
  load_checkpoint(scratch.root() / "step-00000001", read, self);
  EXPECT_EQ(std::memcmp(read[0].tensor.raw(), large.raw(), large.bytes()), 0);
}

TEST(RoundTrip, EqualStatesMakeEqualFiles) {
  const Scratch scratch;
  save_at(scratch.path() / "one", 3);
  // HDF5 stores times in seconds; a child of its own has another heap, whose leftovers must not reach the file.
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  ASSERT_EQ(in_child([&] { save_at(scratch.path() / "two", 3); }), 0);
  EXPECT_EQ(files_below(scratch.path() / "one"), files_below(scratch.path() / "two"));
}

TEST(RoundTrip, WeightsAloneCanBeAskedFor) {
  const Scratch scratch;
  const fs::path directory = save_at(scratch.root(), 5, 2);
  const std::vector<NamedTensor> wanted = {blank_tensors()[1]};
  SelfCommunicator self;
  EXPECT_EQ(load_checkpoint(directory, wanted, self, Unlisted::Ignore), state_at(5));
  EXPECT_EQ(bytes_of(wanted)["weights/compute"], bytes_of(tensors_at(5))["weights/compute"]);
}

TEST(RoundTrip, TensorsThatDoNotFitAreAllListed) {
  const Scratch scratch;
  const fs::path directory = save_at(scratch.root(), 5, 2);
  auto wanted = blank_tensors();
  wanted[0].tensor = Tensor::zeros({8, 64}, DType::F32);  // weights/embedding: another shape
  wanted[1].tensor = Tensor::zeros({37, 3}, DType::F32);  // weights/compute: another dtype
  wanted[2].name = "master/unembedding";                  // one missing, one unexpected
  const auto errors = errors_of_ranks(2, [&](Communicator& ranks) { load_checkpoint(directory, wanted, ranks); });
  EXPECT_EQ(errors[0], errors[1]);
  for (const char* part : {"'weights/embedding': saved as f32 [64, 8], wanted as f32 [8, 64]",
                           "'weights/compute': saved as bf16 [37, 3], wanted as f32 [37, 3]",
                           "missing: 'master/unembedding'", "unexpected: 'master/embedding'"})
    EXPECT_NE(errors[0].find(part), std::string::npos) << part << "\nnot in: " << errors[0];
  EXPECT_EQ(errors[0].find("adam"), std::string::npos) << errors[0];
}

TEST(RoundTrip, InspectionShowsWhatIsThere) {
  const Scratch scratch;
  const Manifest manifest = read_manifest(save_at(scratch.root(), 5, 3));
  EXPECT_EQ(manifest.world_size, 3);
  EXPECT_EQ(manifest.files.size(), 3u);
  EXPECT_EQ(manifest.isobath_version, ISOBATH_VERSION);
  const auto tensors = blank_tensors();
  ASSERT_EQ(manifest.tensors.size(), tensors.size());
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(manifest.tensors[i].name, tensors[i].name);
    EXPECT_EQ(manifest.tensors[i].shape, tensors[i].tensor.shape());
    bytes += static_cast<std::int64_t>(tensors[i].tensor.bytes());
  }
  EXPECT_EQ(payload_bytes(manifest), bytes);
}

TEST(RoundTrip, RanksThatDisagreeAreNamed) {
  const Scratch scratch;
  EXPECT_THROW(run_ranks({.count = 2},
                         [&](Communicator& ranks) {
                           auto tensors = tensors_at(1);
                           if (ranks.rank() == 1) tensors.pop_back();
                           save_checkpoint(scratch.root(), state_at(1), tensors, ranks);
                         }),
               InternalError);
  EXPECT_FALSE(find_latest(scratch.root(), VerifyLevel::Size).directory);
}

}  // namespace
}  // namespace isobath::test
