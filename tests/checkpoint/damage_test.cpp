// Damaged checkpoints: every flipped bit, cut, missing or foreign file is found, named, and passed over on resume.

#include <gtest/gtest.h>

#include "checkpoint/support.hpp"
#include "trainer/checkpoint/catalog/find.hpp"
#include "trainer/checkpoint/manifest/text.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << "\nnot in: " << text;
}

/// Two checkpoints; the tests damage the newer one.
class Damage : public ::testing::Test {
 protected:
  Damage() {
    save_at(scratch_.root(), 100, 2);
    newest_ = save_at(scratch_.root(), 200, 2);
  }

  /// Flips one bit of the file and puts it back at the end.
  class Flip {
   public:
    Flip(fs::path path, std::int64_t offset, int bit) : path_(std::move(path)), offset_(offset), bit_(bit) {
      flip_bit(path_, offset_, bit_);
    }
    ~Flip() { flip_bit(path_, offset_, bit_); }
    Flip(const Flip&) = delete;
    Flip& operator=(const Flip&) = delete;

   private:
    fs::path path_;
    std::int64_t offset_;
    int bit_;
  };

  void expect_skipped(VerifyLevel level, const std::string& part) {
    const LatestCheckpoint latest = find_latest(scratch_.root(), level);
    EXPECT_EQ(latest.directory, scratch_.root() / "step-00000100");
    ASSERT_EQ(latest.skipped.size(), 1u);
    EXPECT_EQ(latest.skipped[0].directory, newest_);
    expect_contains(latest.skipped[0].reason, part);
  }

  Scratch scratch_;
  fs::path newest_;
};

TEST_F(Damage, EveryPieceOfPayloadNamesFileTensorAndRange) {
  const Manifest manifest = read_manifest(newest_);
  int flips = 0;
  for (const TensorRecord& tensor : manifest.tensors) {
    for (const Piece& piece : tensor.pieces) {
      const FileRecord& file = manifest.files[static_cast<std::size_t>(piece.file)];
      const auto width = static_cast<std::int64_t>(size_of(tensor.dtype));
      std::int64_t address = 0;
      for (const DatasetRecord& dataset : file.datasets)
        if (dataset.dtype == tensor.dtype) address = dataset.address + piece.offset * width;
      for (const std::int64_t offset : {std::int64_t{0}, piece.count() * width / 2, piece.count() * width - 1}) {
        const Flip flip(newest_ / file.name, address + offset, flips++ % 8);
        for (const std::string& error : {load_error(newest_), verify_checkpoint(newest_).problems.at(0)}) {
          expect_contains(error, file.name);
          expect_contains(error, "'" + tensor.name + "'");
          expect_contains(error, text("[", piece.begin, ", ", piece.end, ")"));
        }
        EXPECT_EQ(verify_checkpoint(newest_).problems.size(), 1u);
        expect_skipped(VerifyLevel::Full, tensor.name);
        EXPECT_EQ(find_latest(scratch_.root(), VerifyLevel::Size).directory, newest_) << "sizes do not tell";
      }
    }
  }
  EXPECT_GE(flips, 3 * 9);
  expect_loads(newest_, 200);
}

// HDF5's own structures, used or not, are covered by a digest, so that HDF5 never parses damaged ones.
TEST_F(Damage, Hdf5Structures) {
  const Manifest manifest = read_manifest(newest_);
  for (const FileRecord& file : manifest.files) {
    for (std::int64_t offset = 0, checked = 0; offset < file.bytes; ++offset) {
      for (const DatasetRecord& dataset : file.datasets)
        if (offset == dataset.address) offset += dataset.bytes();
      if (offset >= file.bytes) break;
      if (++checked > 64 && offset % 3 != 0) continue;  // the superblock whole, then every third byte
      const Flip flip(newest_ / file.name, offset, static_cast<int>(offset % 8));
      const auto damage = damage_of(newest_, VerifyLevel::Full);
      ASSERT_TRUE(damage) << file.name << " at " << offset;
      expect_contains(*damage, file.name);
    }
    const Flip flip(newest_ / file.name, 8, 0);  // the version of the superblock
    expect_contains(load_error(newest_), file.name + ": the HDF5 structures do not match their digest");
  }
}

TEST_F(Damage, EveryByteOfTheManifest) {
  const std::string whole = read_file(newest_ / "manifest.json");
  EXPECT_NO_THROW(decode(whole, "whole"));
  for (std::size_t offset = 0; offset < whole.size(); ++offset) {
    std::string damaged = whole;
    damaged[offset] ^= static_cast<char>(1 << offset % 8);
    EXPECT_THROW(decode(damaged, "damaged"), StorageError) << "byte " << offset;
  }
  const Flip flip(newest_ / "manifest.json", static_cast<std::int64_t>(whole.size() / 2), 1);
  expect_contains(load_error(newest_), "manifest.json");
  expect_skipped(VerifyLevel::Size, "manifest.json");
}

TEST_F(Damage, LengthsThatDiffer) {
  for (const char* name : {"shard-00000-of-00002.h5", "shard-00001-of-00002.h5"}) {
    const std::string whole = read_file(newest_ / name);
    for (const std::string& damaged :
         {whole.substr(0, whole.size() - 1), whole.substr(0, whole.size() / 2), std::string(), whole + 'x'}) {
      write_file(newest_ / name, damaged);
      expect_skipped(VerifyLevel::Size, text(name, ": ", damaged.size(), " bytes, the manifest says ", whole.size()));
      expect_contains(load_error(newest_), name);
    }
    write_file(newest_ / name, whole);
  }
  const std::string manifest = read_file(newest_ / "manifest.json");
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, manifest.size() / 2, manifest.size() - 1}) {
    write_file(newest_ / "manifest.json", manifest.substr(0, length));
    expect_skipped(VerifyLevel::Size, "manifest.json");
  }
}

TEST_F(Damage, AMissingShard) {
  fs::remove(newest_ / "shard-00001-of-00002.h5");
  expect_skipped(VerifyLevel::Size, "shard-00001-of-00002.h5: cannot look at it: No such file or directory");
  expect_contains(load_error(newest_), "shard-00001-of-00002.h5");
}

TEST_F(Damage, AShardOfAnotherStep) {
  const char* const name = "shard-00001-of-00002.h5";
  fs::copy_file(scratch_.root() / "step-00000100" / name, newest_ / name, fs::copy_options::overwrite_existing);
  EXPECT_EQ(find_latest(scratch_.root(), VerifyLevel::Size).directory, newest_) << "the sizes are equal";
  expect_skipped(VerifyLevel::Full, name);
  expect_contains(load_error(newest_), name);
}

TEST_F(Damage, AManifestFromTheFuture) {
  std::string future = read_file(newest_ / "manifest.json");
  const std::string version = "\"version\": 1";
  ASSERT_NE(future.find(version), std::string::npos);
  future.replace(future.find(version), version.size(), "\"version\": 2");
  write_file(newest_ / "manifest.json", future);
  expect_skipped(VerifyLevel::Size, "format version 2, this isobath reads up to 1");
  expect_contains(load_error(newest_), "format version 2");
}

TEST_F(Damage, ManifestsOfGarbage) {
  for (const std::string& garbage : {std::string("garbage"), std::string("{}"), std::string("[]"), std::string("null"),
                                     std::string(100000, '['), std::string(100000, '{'), std::string("\0\0\0\0", 4),
                                     std::string("{\"format\": 3}"), std::string("\xff\xfe")}) {
    write_file(newest_ / "manifest.json", garbage);
    expect_skipped(VerifyLevel::Size, "manifest.json");
    expect_contains(load_error(newest_), "manifest.json");
  }
  fs::remove(newest_ / "manifest.json");
  fs::create_directory(newest_ / "manifest.json");
  expect_skipped(VerifyLevel::Size, "manifest.json");
}

TEST_F(Damage, ADirectoryUnderAWrongName) {
  fs::rename(newest_, scratch_.root() / "step-00000300");
  const LatestCheckpoint latest = find_latest(scratch_.root(), VerifyLevel::Size);
  EXPECT_EQ(latest.directory, scratch_.root() / "step-00000100");
  expect_contains(latest.skipped.at(0).reason, "holds step 200");
  expect_loads(scratch_.root() / "step-00000300", 200);  // asked for by name, it is what it says inside
}

TEST_F(Damage, TheHintIsNotBelieved) {
  write_file(scratch_.root() / "latest", "step-00000100\n");
  EXPECT_EQ(find_latest(scratch_.root(), VerifyLevel::Size).directory, newest_);
}

TEST_F(Damage, ACopyIsACheckpoint) {
  fs::create_directory(scratch_.path() / "copy");
  fs::copy(newest_, scratch_.path() / "copy" / "step-00000200", fs::copy_options::recursive);
  EXPECT_EQ(find_latest(scratch_.path() / "copy", VerifyLevel::Full).directory,
            scratch_.path() / "copy" / "step-00000200");
}

TEST_F(Damage, ADamagedStandingCheckpointGivesWayToTheOneItReplaced) {
  // As a process leaves it that is killed between committing a replacement and removing what was replaced.
  fs::copy(newest_, newest_.string() + ".replaced", fs::copy_options::recursive);
  write_file(newest_ / "shard-00000-of-00002.h5", "damaged");
  EXPECT_EQ(find_latest(scratch_.root(), VerifyLevel::Full).directory, newest_.string() + ".replaced");
  save_at(scratch_.root(), 200, 2);
  expect_loads(newest_, 200);
  EXPECT_FALSE(fs::exists(newest_.string() + ".replaced"));
}

TEST(Found, NothingIsNoError) {
  const Scratch scratch;
  EXPECT_FALSE(find_latest(scratch.root(), VerifyLevel::Full).directory);
  fs::create_directories(scratch.root() / "step-00000001");
  fs::create_directories(scratch.root() / "step-garbage");
  const LatestCheckpoint latest = find_latest(scratch.root(), VerifyLevel::Full);
  EXPECT_FALSE(latest.directory);
  EXPECT_EQ(latest.skipped.size(), 1u);
}

TEST(Found, EveryRankGetsTheAnswerOfRankZero) {
  const Scratch scratch;
  save_at(scratch.root(), 100, 2);
  fs::create_directories(scratch.root() / "step-00000200");
  const auto errors = errors_of_ranks(3, [&](Communicator& ranks) {
    const fs::path root = ranks.rank() == 0 ? scratch.root() : fs::path("/nowhere");
    const LatestCheckpoint latest = find_latest(root, VerifyLevel::Full, ranks);
    EXPECT_EQ(latest.directory, scratch.root() / "step-00000100");
    ASSERT_EQ(latest.skipped.size(), 1u);
    EXPECT_EQ(latest.skipped[0].directory, scratch.root() / "step-00000200");
    expect_contains(latest.skipped[0].reason, "did not finish");
  });
  EXPECT_EQ(errors, std::vector<std::string>(3));
}

}  // namespace
}  // namespace isobath::test
