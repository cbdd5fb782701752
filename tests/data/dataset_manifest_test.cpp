// dataset.json: agreement with itself and with the shards.

#include "data/prepare/dataset_manifest.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "data/data_support.hpp"
#include "data/prepare/prepare.hpp"

namespace isobath {
namespace {

using test::read_file;
using test::refuses;
using test::TempFolder;
using test::write_file;

class Manifest : public ::testing::Test {
 protected:
  Manifest() {
    write_file(folder_ / "a.txt", "some text of twenty-nine bytes");
    prepare({.inputs = {folder_ / "a.txt"}, .output = out(), .shard_tokens = 12});
  }
  std::filesystem::path out() const { return folder_ / "out"; }
  std::string json() const { return read_file(out() / "dataset.json"); }
  ::testing::AssertionResult refused(const std::string& from, const std::string& to,
                                     std::initializer_list<std::string_view> parts) const {
    std::string changed = json();
    const std::size_t at = changed.find(from);
    if (at == std::string::npos) return ::testing::AssertionFailure() << "no " << from;
    changed.replace(at, from.size(), to);
    return refuses([&] { DatasetManifest::from_json(changed, "dataset.json"); }, parts);
  }

  const TempFolder folder_;
};

TEST_F(Manifest, RoundTrips) {
  const DatasetManifest manifest = DatasetManifest::read(out());
  EXPECT_EQ(manifest.shards.size(), 3U);
  EXPECT_EQ(manifest.tokens, 30);
  EXPECT_EQ(manifest.to_json(), json());
  EXPECT_EQ(DatasetManifest::from_json(manifest.to_json(), "again").fingerprint(), manifest.fingerprint());
}

TEST_F(Manifest, EntriesThatDisagreeAreRefused) {
  EXPECT_TRUE(refused("\"tokens\": 30", "\"tokens\": 31", {"dataset.json", "31 tokens", "3 files make 30"}));
  EXPECT_TRUE(refused("\"vocabulary_size\": 256", "\"vocabulary_size\": 255", {"damaged", "fingerprint"}));
  EXPECT_TRUE(refused("\"bytes\"", "\"characters\"", {"damaged", "fingerprint"}));
  EXPECT_TRUE(refused("\"bytes\"", "\"words\"", {"tokenizer \"words\""}));
  EXPECT_TRUE(refused("isobath.dataset", "another", {"\"another\"", "expected"}));
  EXPECT_TRUE(refused("\"version\": 1", "\"version\": 7", {"version 7", "prepare the data again"}));
  EXPECT_TRUE(refused("\"tokens\": 30", "\"tokens\": -1", {"-1", "expected a count"}));
  EXPECT_TRUE(refused("\"tokens\": 30", "\"tokens\": 30.5", {"30.5", "expected a count"}));
  EXPECT_TRUE(refused("\"tokens\": 30,", "", {"no dataset manifest", "tokens"}));
  EXPECT_TRUE(refused("tokens-00001", "../00001", {"leaves the folder"}));
  EXPECT_TRUE(refused("{", "[", {"no dataset manifest"}));
}

TEST_F(Manifest, ShardsThatAreNotTheListedOnesAreRefused) {
  const DatasetManifest manifest = DatasetManifest::read(out());
  const auto first = out() / manifest.shards[0].name, second = out() / manifest.shards[1].name;
  const std::string whole = read_file(first);
  write_file(first, read_file(second));  // a whole shard, but another one
  EXPECT_TRUE(refuses([&] { open_shards(manifest, out()); }, {"tokens-00000", "not the file dataset.json lists"}));
  write_file(first, whole.substr(0, whole.size() - 1));
  EXPECT_TRUE(refuses([&] { open_shards(manifest, out()); }, {"tokens-00000", "truncated"}));
  write_file(first, "");
  EXPECT_TRUE(refuses([&] { open_shards(manifest, out()); }, {"tokens-00000", "is empty"}));
  std::filesystem::remove(first);
  EXPECT_TRUE(refuses([&] { open_shards(manifest, out()); }, {"tokens-00000", "No such file"}));
}

TEST_F(Manifest, ArbitraryChangesAreRefusedOrHarmless) {
  const std::string whole = json();
  const Fingerprint fingerprint = DatasetManifest::read(out()).fingerprint();
  // Three random bytes change. What still reads must name the same tokens: only notes on the sources may differ.
  EXPECT_TRUE(rc::check([&] {
    std::string changed = whole;
    for (int i = 0; i < 3; ++i)
      changed[*rc::gen::inRange<std::size_t>(0, whole.size())] = static_cast<char>(*rc::gen::inRange(32, 127));
    try {
      const DatasetManifest read = DatasetManifest::from_json(changed, "dataset.json");
      RC_ASSERT(read.fingerprint() == fingerprint);
      RC_ASSERT(read.tokens == 30);
    } catch (const DataError&) {
    }
  }));
}

}  // namespace
}  // namespace isobath
