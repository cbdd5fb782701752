// From a path in a configuration to tokens, in every layout, and every way it can be wrong.

#include "data/dataset.hpp"

#include <rapidcheck.h>

#include "data/batches/loader.hpp"
#include "data/batches/validation_windows.hpp"
#include "data/data_support.hpp"
#include "data/prepare/prepare.hpp"

namespace isobath {
namespace {

using test::bytes_of;
using test::counting;
using test::llmc_bytes;
using test::refuses;
using test::write_file;

class DatasetTest : public ::testing::Test {
 protected:
  // A prepared folder of `text` under `name`.
  std::filesystem::path prepared(const std::string& name, const std::string& text, TokenizerKind tokenizer) const {
    write_file(folder_ / (name + ".txt"), text);
    prepare({.inputs = {folder_ / (name + ".txt")}, .output = folder_ / name, .tokenizer = tokenizer});
    return folder_ / name;
  }
  // NAME.bin in llm.c's format.
  std::filesystem::path llmc(const std::string& name, std::size_t count, std::uint16_t first = 0) const {
    write_file(folder_ / name, llmc_bytes(20240520, 1, counting<std::uint16_t>(count, first)));
    return folder_ / name;
  }
  static DataConfig config(const std::filesystem::path& path) {
    DataConfig out;
    out.path = path.string();
    out.validation_block = 10;
    return out;
  }
  static Dataset open(const DataConfig& config) { return open_dataset(read_dataset_header(config)); }
  static ::testing::AssertionResult refused(const DataConfig& config, std::initializer_list<std::string_view> parts) {
    return refuses([&] { open(config); }, parts);
  }

  const test::TempFolder folder_;
};

TEST_F(DatasetTest, PreparedFolder) {
  const Dataset dataset = open(config(prepared("p", std::string(500, 'x') + "yz", TokenizerKind::Characters)));
  EXPECT_EQ(dataset.vocabulary, 3);
  EXPECT_EQ(dataset.train.tokens() + dataset.validation.tokens(), 502);
  EXPECT_EQ(dataset.validation.tokens(), 50);
  ASSERT_NE(dataset.tokenizer, nullptr);
  EXPECT_EQ(dataset.tokenizer->decode(std::vector<std::int32_t>{2, 0}), "zx");
  EXPECT_EQ(open(config(folder_ / "p" / "dataset.json")).fingerprint, dataset.fingerprint);
}

TEST_F(DatasetTest, ValidationFromAnotherFolder) {
  DataConfig wanted = config(prepared("p", "abcabcabc", TokenizerKind::Characters));
  write_file(folder_ / "q.txt", "cab");
  const PrepareOptions second{.inputs = {folder_ / "q.txt"},
                              .output = folder_ / "q",
                              .tokenizer = TokenizerKind::Characters,
                              .vocabulary = folder_ / "p" / "vocabulary.json"};
  prepare(second);
  wanted.validation_path = (folder_ / "q").string();
  const Dataset dataset = open(wanted);
  EXPECT_EQ(dataset.train.tokens(), 9);
  EXPECT_EQ(dataset.validation.tokens(), 3);
  wanted.validation_path = prepared("r", "xyz", TokenizerKind::Characters).string();
  EXPECT_TRUE(refused(wanted, {"r", "numbered otherwise", "vocabulary.json"}));
  wanted.validation_path = prepared("s", "abc", TokenizerKind::Bytes).string();
  EXPECT_TRUE(refused(wanted, {"bytes tokens", "do not go with", "the same way"}));
}

TEST_F(DatasetTest, LlmCAsFolderPairAndFile) {
  llmc("x_train.bin", 100);
  llmc("x_val.bin", 200);
  write_file(folder_ / "gpt2_tokenizer.bin", "ignored: neither train nor val");
  for (const auto& path : {folder_.path(), folder_ / "x_train.bin"}) {
    const Dataset dataset = open(config(path));
    EXPECT_EQ(dataset.train.tokens(), 100);
    EXPECT_EQ(dataset.validation.tokens(), 200);
    EXPECT_EQ(dataset.vocabulary, 50257);
    EXPECT_EQ(dataset.tokenizer, nullptr);
  }
  const Dataset alone = open(config(folder_ / "x_val.bin"));
  EXPECT_EQ(alone.train.tokens(), 180);
  EXPECT_EQ(alone.validation.tokens(), 20);
  DataConfig other = config(folder_ / "x_train.bin");
  other.validation_path = llmc("else.bin", 7).string();
  EXPECT_EQ(open(other).validation.tokens(), 7);
}

TEST_F(DatasetTest, NumberedShardsComeInOrder) {
  for (const int i : {3, 1, 2})
    llmc("web_train_00000" + std::to_string(i) + ".bin", 10, static_cast<std::uint16_t>(10 * i));
  llmc("web_val_000000.bin", 5);
  const Dataset dataset = open(config(folder_.path()));
  std::vector<std::int32_t> tokens(30);
  dataset.train.stream->copy(0, tokens);
  EXPECT_EQ(tokens, counting<std::int32_t>(30, 10));
  EXPECT_EQ(dataset.validation.tokens(), 5);
}

TEST_F(DatasetTest, NanoGpt) {
  write_file(folder_ / "train.bin", bytes_of(counting<std::uint16_t>(100)));
  write_file(folder_ / "val.bin", bytes_of(counting<std::uint16_t>(20)));
  DataConfig wanted = config(folder_.path());
  EXPECT_TRUE(refused(wanted, {"train.bin", "nanogpt", "data.vocabulary", "50257"}));
  wanted.vocabulary = 100;
  const Dataset dataset = open(wanted);
  EXPECT_EQ(dataset.vocabulary, 100);
  EXPECT_EQ(dataset.train.tokens(), 100);
  EXPECT_EQ(dataset.validation.tokens(), 20);
}

TEST_F(DatasetTest, PathsThatAreNoDataset) {
  EXPECT_TRUE(refused(config(""), {"data.path is empty"}));
  EXPECT_TRUE(refused(config(folder_ / "none"), {"none", "No such file"}));
  EXPECT_TRUE(refused(config(folder_.path()), {"holds neither dataset.json nor", "isobath prepare"}));
  write_file(folder_ / "a.txt", "text");
  EXPECT_TRUE(refused(config(folder_ / "a.txt"), {"a.txt", "no token file", "isobath prepare"}));
  write_file(folder_ / "empty.bin", "");
  EXPECT_TRUE(refused(config(folder_ / "empty.bin"), {"empty.bin", "is empty"}));
  llmc("a_train.bin", 10);
  llmc("b_train.bin", 10);
  EXPECT_TRUE(refused(config(folder_.path()), {"several datasets", "a_train", "b_train"}));
  DataConfig forced = config(folder_ / "a_train.bin");
  forced.format = DataFormat::Isobath;
  EXPECT_TRUE(refused(forced, {"a_train.bin", "no token shard"}));
  forced.path = folder_.path().string();
  EXPECT_TRUE(refused(forced, {"dataset.json", "No such file"}));
}

TEST_F(DatasetTest, VocabulariesMustAgree) {
  DataConfig wanted = config(prepared("p", "abcabcabcabc", TokenizerKind::Characters));
  wanted.vocabulary = 5;
  EXPECT_TRUE(refused(wanted, {"vocabulary of 3", "data.vocabulary says 5"}));
  wanted.vocabulary = 0;
  wanted.validation_path = llmc("v.bin", 10).string();
  EXPECT_TRUE(refused(wanted, {"v.bin", "50257", "do not go with"}));
}

TEST_F(DatasetTest, HeaderCarriesEverything) {
  llmc("x_train.bin", 100);
  llmc("x_val.bin", 30);
  DataConfig held_out =
      config(prepared("p", "\xC3\xA9\xF0\x9F\x98\x80 abcdefghijklmnopqrstuvwxyz", TokenizerKind::Characters));
  held_out.validation_fraction = 0.37;
  for (const DataConfig& wanted : {config(folder_ / "x_train.bin"), held_out}) {
    const DatasetHeader header = read_dataset_header(wanted), received = DatasetHeader::from_json(header.to_json());
    EXPECT_EQ(received, header);
    const Dataset here = open_dataset(header), there = open_dataset(received);
    EXPECT_EQ(there.fingerprint, here.fingerprint);
    EXPECT_EQ(there.train.segments, here.train.segments);
    EXPECT_EQ(there.validation.segments, here.validation.segments);
  }
}

TEST_F(DatasetTest, FingerprintNamesContentNotPlace) {
  const auto fingerprint = [](const DataConfig& wanted) { return read_dataset_header(wanted).fingerprint; };
  const Fingerprint first = fingerprint(config(prepared("p", "abcabcabcabc", TokenizerKind::Characters)));
  EXPECT_EQ(fingerprint(config(prepared("q", "abcabcabcabc", TokenizerKind::Characters))), first);
  EXPECT_NE(fingerprint(config(prepared("r", "abcabcabcabd", TokenizerKind::Characters))), first);
  EXPECT_NE(fingerprint(config(prepared("s", "abcabcabcabc", TokenizerKind::Bytes))), first);
  EXPECT_NE(fingerprint(config(llmc("a.bin", 50))), fingerprint(config(llmc("b.bin", 50, 1))));
}

TEST_F(DatasetTest, DamagedHeaderTextIsRefusedOrOpensTheSameFiles) {
  const std::string whole = read_dataset_header(config(llmc("x.bin", 100))).to_json();
  for (std::size_t size = 0; size < whole.size(); size += 3)
    EXPECT_TRUE(refuses([&] { DatasetHeader::from_json(whole.substr(0, size)); }, {"rank 0"}));
  EXPECT_TRUE(rc::check([&] {
    std::string changed = whole;
    for (int i = 0; i < 3; ++i)
      changed[*rc::gen::inRange<std::size_t>(0, whole.size())] = static_cast<char>(*rc::gen::inRange(32, 127));
    try {
      const Dataset dataset = open_dataset(DatasetHeader::from_json(changed));
      RC_ASSERT(dataset.train.stream->size() == 100);
    } catch (const Error&) {  // DataError, or InternalError where numbers make no sense
    }
  }));
}

TEST_F(DatasetTest, ContextIsCheckedFromTheHeader) {
  const DatasetHeader header = read_dataset_header(config(llmc("x.bin", 200)));  // segments of 90 tokens
  EXPECT_NO_THROW(check_context(header, 89));
  EXPECT_TRUE(refuses([&] { check_context(header, 90); }, {"context is longer", "180 tokens", "has 90", "at most 89"}));
  DataConfig wide = config(folder_ / "x.bin");
  wide.validation_block = 4096;
  EXPECT_TRUE(refuses([&] { check_context(read_dataset_header(wide), 10); }, {"no validation data", "at most 20"}));
  wide.validation_fraction = 0.0;
  EXPECT_NO_THROW(check_context(read_dataset_header(wide), 199));
  EXPECT_FALSE(open(wide).has_validation());
}

TEST_F(DatasetTest, VocabularyOfTheModelIsChecked) {
  llmc("x_train.bin", 100);
  llmc("x_val.bin", 120);
  const Dataset dataset = open(config(folder_ / "x_train.bin"));
  EXPECT_NO_THROW(check_vocabulary(dataset, 50257));
  EXPECT_NO_THROW(check_vocabulary(dataset, 50304));
  const auto wrong = [&](std::int64_t vocabulary, std::initializer_list<std::string_view> parts) {
    return refuses([&] { check_vocabulary(dataset, vocabulary); }, parts);
  };
  EXPECT_TRUE(wrong(90, {"x_train.bin", "token 90 is 90", "less than 90"}));
  EXPECT_TRUE(wrong(110, {"x_val.bin", "token 110 is 110", "of the model 110"}));
  EXPECT_TRUE(wrong(200, {"vocabulary of 50257, the model one of 200"}));
  write_file(folder_ / "raw.bin", bytes_of(counting<std::uint16_t>(100)));
  DataConfig lying = config(folder_ / "raw.bin");
  lying.vocabulary = 50;
  EXPECT_TRUE(refuses([&] { check_vocabulary(open(lying), 1000); }, {"raw.bin", "token 50 is 50", "of the data 50"}));
}

constexpr const char* kNoCollection = "needs the data collection: set ISOBATH_DATA to its folder";

TEST_F(DatasetTest, PublishedLlmCFiles) {
  const auto train = test::collection_file("llmc/tiny_shakespeare_train.bin");
  if (!train) GTEST_SKIP() << kNoCollection;
  DataConfig wanted;
  wanted.path = train->parent_path().string();
  const Dataset dataset = open(wanted);
  EXPECT_EQ(dataset.train.tokens(), 305260);
  EXPECT_EQ(dataset.validation.tokens(), 32768);
  EXPECT_EQ(dataset.vocabulary, 50257);
  EXPECT_NO_THROW(check_vocabulary(dataset, 50257));
  // The published token stream begins with <|endoftext|> and holds no larger token.
  EXPECT_TRUE(refuses([&] { check_vocabulary(dataset, 50256); }, {"is 50256"}));
  Loader loader(dataset.train, {.context = 1024, .global_batch = 4, .seed = 1});
  EXPECT_EQ(loader.order().windows_per_epoch(), 297);  // floor((305260 - 1024) / 1024)
  for (int step = 0; step < 100; ++step) EXPECT_EQ(loader.next().valid(), 4096);
  const ValidationWindows windows(dataset.validation, 1024);
  EXPECT_EQ(windows.count(), 32);  // 32767 targets
  EXPECT_EQ(windows.targets(), 32767);
}

TEST_F(DatasetTest, TinyShakespeareAsCharacters) {
  const auto text = test::collection_file("tinyshakespeare/input.txt");
  if (!text) GTEST_SKIP() << kNoCollection;
  const PrepareReport report =
      prepare({.inputs = {*text}, .output = folder_ / "s", .tokenizer = TokenizerKind::Characters});
  EXPECT_EQ(report.vocabulary, 65);
  EXPECT_EQ(report.tokens, 1115394);
  const Dataset dataset = open(config(folder_ / "s"));
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(dataset.train.stream->size()));
  dataset.train.stream->copy(0, tokens);
  EXPECT_EQ(dataset.tokenizer->decode(tokens), test::read_file(*text));
}

TEST_F(DatasetTest, EnwikAsBytes) {
  const auto text = test::collection_file("enwik/enwik6");
  if (!text) GTEST_SKIP() << kNoCollection;
  const PrepareReport report = prepare({.inputs = {*text}, .output = folder_ / "e"});
  EXPECT_EQ(report.tokens, 1000000);
  const Dataset dataset = open(config(folder_ / "e"));
  std::vector<std::int32_t> tokens(1000000);
  dataset.train.stream->copy(0, tokens);
  EXPECT_EQ(dataset.tokenizer->decode(tokens), test::read_file(*text));
  EXPECT_NO_THROW(verify_dataset(folder_ / "e"));
}

}  // namespace
}  // namespace isobath
