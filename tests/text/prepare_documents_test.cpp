// Documents, folders, threads, interruptions and trained vocabularies: what prepare writes.

#include <array>
#include <csignal>
#include <cstdlib>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "data/data_support.hpp"
#include "data/dataset.hpp"
#include "data/prepare/dataset_manifest.hpp"
#include "data/prepare/prepare.hpp"
#include "data/text/tokenizer_data.hpp"
#include "data/tokens/token_stream.hpp"
#include "support/python.hpp"

namespace isobath {
namespace {

using test::collection_file;
using test::read_file;
using test::refuses;
using test::TempFolder;
using test::write_file;

class PrepareDocuments : public ::testing::Test {
 protected:
  PrepareOptions options(const std::string& name, const std::string& content) {
    write_file(folder_ / name, content);
    PrepareOptions out{.inputs = {folder_ / name}, .output = folder_ / "out", .tokenizer = TokenizerKind::Bpe};
    out.entries = 300;
    return out;
  }
  std::vector<std::int32_t> tokens(const std::string& output = "out") const {
    const DatasetManifest manifest = DatasetManifest::read(folder_ / output);
    const TokenStream stream(open_shards(manifest, folder_ / output), manifest.vocabulary);
    std::vector<std::int32_t> out(static_cast<std::size_t>(stream.size()));
    stream.copy(0, out);
    return out;
  }
  std::string decoded(const std::string& output = "out") const {
    const DatasetManifest manifest = DatasetManifest::read(folder_ / output);
    return make_tokenizer(manifest.tokenizer, read_vocabulary(manifest, folder_ / output))->decode(tokens(output));
  }

  const TempFolder folder_;
};

constexpr const char* kEnd = "<|endoftext|>";

// Words in changing order, so that there is something to merge and something to divide.
std::string prose(std::size_t bytes) {
  constexpr std::array kWords{"the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "sleeps"};
  std::string out;
  for (std::size_t i = 0; out.size() < bytes; ++i) {
    out += kWords[i * i * i % 11];
    out += i % 13 == 12 ? ".\n" : i % 57 == 3 ? ".\n\n" : " ";
  }
  return out;
}

TEST_F(PrepareDocuments, EachUnitHasItsEnds) {
  const std::string end = kEnd;
  const auto with = [&](const std::string& content, DocumentUnit unit, const std::string& field = {}) {
    PrepareOptions wanted = options("a.txt", content);
    wanted.documents = unit;
    wanted.field = field;
    wanted.on_existing = OnExisting::Overwrite;
    prepare(wanted);
    return decoded();
  };
  EXPECT_EQ(with("one\ntwo\n", DocumentUnit::File), end + "one\ntwo\n");
  EXPECT_EQ(with("one\n\ntwo", DocumentUnit::Line), end + "one" + end + "two");
  EXPECT_EQ(with("one\n\n\ntwo\n\n", DocumentUnit::BlankLine), end + "one\n\n" + end + "\ntwo\n\n");
  EXPECT_EQ(with("{\"t\": \"a\\nb\"}\n\n{\"t\": \"\"}\n{\"t\": \"c\"}", DocumentUnit::Jsonl, "t"),
            end + "a\nb" + end + "c");
  EXPECT_EQ(with("one\ntwo\n", DocumentUnit::None), "one\ntwo\n");
}

TEST_F(PrepareDocuments, TheEndTokenMayStandBehind) {
  PrepareOptions wanted = options("a.txt", "one\ntwo\n");
  wanted.documents = DocumentUnit::Line;
  wanted.end_token = EndTokenPlace::After;
  prepare(wanted);
  EXPECT_EQ(decoded(), std::string("one") + kEnd + "two" + kEnd);
}

TEST_F(PrepareDocuments, BadRecordsAndRulesAreNamed) {
  PrepareOptions wanted = options("a.jsonl", "{\"t\": 5}\n");
  wanted.documents = DocumentUnit::Jsonl;
  wanted.field = "t";
  EXPECT_TRUE(refuses([&] { prepare(wanted); }, {"a.jsonl", "{\"t\": 5}", "string"}));
  write_file(folder_ / "a.jsonl", "{\"t\": \"x\"\n");
  EXPECT_TRUE(refuses([&] { prepare(wanted); }, {"a.jsonl", "is no JSON"}));
  PrepareOptions bytes = options("a.txt", "text");
  bytes.tokenizer = TokenizerKind::Bytes;
  bytes.entries = 0;
  bytes.end_token = EndTokenPlace::Before;
  EXPECT_TRUE(refuses<Error>([&] { prepare(bytes); }, {"bytes", "no end token"}));
}

TEST_F(PrepareDocuments, AFolderIsReadInTheOrderOfItsPaths) {
  PrepareOptions wanted = options("x", "unused");
  std::filesystem::create_directories(folder_ / "texts" / "b");
  write_file(folder_ / "texts" / "c.txt", "third");
  write_file(folder_ / "texts" / "b" / "a.txt", "second");
  write_file(folder_ / "texts" / "a.txt", "first");
  write_file(folder_ / "texts" / ".hidden", "never");
  write_file(folder_ / "texts" / "empty.txt", "");
  wanted.inputs = {folder_ / "texts"};
  prepare(wanted);
  EXPECT_EQ(decoded(), std::string(kEnd) + "first" + kEnd + "second" + kEnd + "third");
}

TEST_F(PrepareDocuments, ThreadsAndPartsLeaveTheTokensAsTheyAre) {
  for (const auto unit : {DocumentUnit::File, DocumentUnit::Line, DocumentUnit::BlankLine}) {
    PrepareOptions wanted = options("a.txt", prose(60000));
    write_file(folder_ / "b.txt", prose(100));
    wanted.inputs.push_back(folder_ / "b.txt");
    wanted.documents = unit;
    wanted.on_existing = OnExisting::Overwrite;
    prepare(wanted);
    wanted.output = folder_ / "divided";
    wanted.threads = 3;
    wanted.part_bytes = 700;
    prepare(wanted);
    EXPECT_EQ(tokens(), tokens("divided"));
    EXPECT_EQ(DatasetManifest::read(folder_ / "out").fingerprint(),
              DatasetManifest::read(folder_ / "divided").fingerprint());
    EXPECT_FALSE(std::filesystem::exists(folder_ / "divided" / "parts"));
  }
}

TEST_F(PrepareDocuments, KilledAtAnyMomentItGoesOnAndEndsAlike) {
  PrepareOptions wanted = options("a.txt", prose(200000));
  wanted.part_bytes = 5000;
  wanted.threads = 2;
  prepare(wanted);
  const std::string expected = read_file(folder_ / "out" / "dataset.json");
  wanted.output = folder_ / "killed";
  int kept_at_most = 0, kills = 0;
  for (int attempt = 0; attempt < 200 && !std::filesystem::exists(wanted.output / "dataset.json"); ++attempt) {
    const pid_t child = ::fork();
    if (child == 0) {
      // Ends itself without any clean-up behind its third new part: as kill -9 would.
      int parts = 0;
      wanted.progress = [&](const PrepareProgress& progress) {
        if (progress.unit == ProgressUnit::Bytes && progress.done > 0 && ++parts >= kept_at_most + 3)
          ::kill(::getpid(), SIGKILL);
      };
      prepare(wanted);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    kills += WIFSIGNALED(status) ? 1 : 0;
    int kept = 0;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(wanted.output / "parts", none))
      kept += entry.path().extension() == ".tok" ? 1 : 0;
    if (WIFSIGNALED(status)) {
      EXPECT_GT(kept, kept_at_most);
      kept_at_most = kept;
    }
  }
  EXPECT_GT(kills, 3);
  EXPECT_EQ(read_file(wanted.output / "dataset.json"), expected);
  EXPECT_EQ(tokens("killed"), tokens());
}

TEST_F(PrepareDocuments, LearningTellsOfEveryMergeBeforeTheFirstPart) {
  PrepareOptions wanted = options("a.txt", prose(20000));
  wanted.entries = 280;
  std::vector<std::int64_t> merges;
  bool encodes = false;
  wanted.progress = [&](const PrepareProgress& progress) {
    encodes = encodes || (progress.unit == ProgressUnit::Bytes && progress.done > 0);
    if (progress.unit != ProgressUnit::Merges) return;
    EXPECT_FALSE(encodes);
    EXPECT_EQ(progress.wanted, 280 - 257);
    merges.push_back(progress.done);
  };
  prepare(wanted);
  EXPECT_TRUE(encodes);
  ASSERT_EQ(merges.size(), 23u);
  for (std::size_t i = 0; i < merges.size(); ++i) EXPECT_EQ(merges[i], static_cast<std::int64_t>(i) + 1);
  merges.clear();
  wanted.vocabulary = wanted.output / "tokenizer.json";
  wanted.entries = 0;
  wanted.output = folder_ / "given";
  encodes = false;
  prepare(wanted);
  EXPECT_TRUE(merges.empty()) << "nothing is learnt";
}

TEST_F(PrepareDocuments, ADamagedPartIsMadeAgain) {
  PrepareOptions wanted = options("a.txt", prose(20000));
  wanted.part_bytes = 5000;
  int seen = 0;
  wanted.progress = [&](const PrepareProgress& progress) {
    if (progress.unit == ProgressUnit::Bytes && progress.done > 0 && ++seen == 3) throw DataError("far enough");
  };
  EXPECT_TRUE(refuses([&] { prepare(wanted); }, {"far enough"}));
  const auto part = wanted.output / "parts" / "part-000000.tok";
  std::string content = read_file(part);
  content.back() = static_cast<char>(content.back() ^ 1);
  write_file(part, content);
  wanted.progress = {};
  prepare(wanted);
  EXPECT_EQ(decoded(), kEnd + prose(20000));
}

TEST_F(PrepareDocuments, PartsOfAnotherVocabularyAreNotTakenUp) {
  PrepareOptions wanted = options("a.txt", "ab ab ab ab ab ab");
  wanted.tokenizer = TokenizerKind::Characters;
  wanted.entries = 0;
  wanted.part_bytes = 3;
  int seen = 0;
  wanted.progress = [&](const PrepareProgress& progress) {
    if (progress.unit == ProgressUnit::Bytes && progress.done > 0 && ++seen == 3) throw DataError("far enough");
  };
  EXPECT_TRUE(refuses([&] { prepare(wanted); }, {"far enough"}));
  EXPECT_TRUE(std::filesystem::exists(wanted.output / "parts" / "part-000000.tok"));
  write_file(folder_ / "v.json", CharacterVocabulary(U" 0ab", "here").to_json());
  wanted.vocabulary = folder_ / "v.json";
  wanted.progress = {};
  prepare(wanted);
  EXPECT_EQ(decoded(), "ab ab ab ab ab ab");
}

TEST_F(PrepareDocuments, ATrainedVocabularyIsRepeatableAndServesOtherTexts) {
  PrepareOptions wanted = options("a.txt", prose(30000));
  wanted.entries = 290;
  const PrepareReport report = prepare(wanted);
  EXPECT_EQ(report.vocabulary, 290) << "257 are the least, 290 were asked for";
  EXPECT_LT(report.tokens, 30000 / 2) << "words have become tokens";
  EXPECT_EQ(prepare(wanted).outcome, PrepareOutcome::AlreadyThere);
  wanted.output = folder_ / "again";
  prepare(wanted);
  EXPECT_EQ(read_file(folder_ / "again" / "tokenizer.json"), read_file(folder_ / "out" / "tokenizer.json"));
  PrepareOptions other = options("b.txt", "\xFF never seen \xE2\x82\xAC");
  other.output = folder_ / "other";
  other.entries = 0;
  other.vocabulary = folder_ / "out" / "tokenizer.json";
  prepare(other);
  EXPECT_EQ(decoded("other"), std::string(kEnd) + "\xFF never seen \xE2\x82\xAC");
  DataConfig both;
  both.path = (folder_ / "out").string();
  both.validation_path = (folder_ / "other").string();
  const DatasetHeader header = read_dataset_header(both);
  EXPECT_EQ(open_dataset(DatasetHeader::from_json(header.to_json())).tokenizer->decode(std::vector<std::int32_t>{'a'}),
            "a");
}

TEST_F(PrepareDocuments, HuggingFaceReadsATrainedVocabularyAndMakesTheSameTokens) {
  if (!test::python_has("tokenizers")) GTEST_SKIP() << "Python's tokenizers is not installed (pip install tokenizers)";
  const std::string text = prose(5000) + "\n\tIt's 1234  caf\xC3\xA9 \xE2\x82\xAC!?  ";
  PrepareOptions wanted = options("a.txt", text);
  wanted.end_token = EndTokenPlace::None;
  prepare(wanted);
  write_file(folder_ / "encode.py",
             "import sys, tokenizers\n"
             "ids = tokenizers.Tokenizer.from_file(sys.argv[1]).encode(open(sys.argv[2], newline='').read()).ids\n"
             "open(sys.argv[3], 'w').write(' '.join(map(str, ids)))\n");
  const auto quoted = [&](const std::string& name) { return " '" + (folder_ / name).string() + "'"; };
  ASSERT_EQ(std::system(
                (test::python() + quoted("encode.py") + quoted("out/tokenizer.json") + quoted("a.txt") + quoted("ids"))
                    .c_str()),
            0);
  std::string ours;
  for (const std::int32_t token : tokens()) ours += (ours.empty() ? "" : " ") + std::to_string(token);
  EXPECT_EQ(read_file(folder_ / "ids"), ours);
}

TEST_F(PrepareDocuments, AVocabularyThatIsNotTheOneOfTheTokensIsRefused) {
  const PrepareOptions wanted = options("a.txt", prose(3000));
  prepare(wanted);
  std::string json = read_file(wanted.output / "tokenizer.json");
  write_file(wanted.output / "tokenizer.json", json + " ");
  EXPECT_TRUE(
      refuses([&] { verify_dataset(wanted.output); }, {"tokenizer.json", "is not what the tokens were made with"}));
}

TEST_F(PrepareDocuments, SentencePieceLearnsAndBringsTextBack) {
  PrepareOptions wanted = options("a.txt", prose(20000));
  wanted.tokenizer = TokenizerKind::SentencePiece;
  wanted.documents = DocumentUnit::Line;
  wanted.entries = 320;
  try {
    prepare(wanted);
  } catch (const BackendError& error) {
    GTEST_SKIP() << error.what();
  }
  EXPECT_NE(decoded().find("quick "), std::string::npos) << decoded().substr(0, 300);
  const auto tokenizer = make_tokenizer(TokenizerKind::SentencePiece,
                                        read_vocabulary(DatasetManifest::read(folder_ / "out"), folder_ / "out"));
  for (const std::string text : {"a  lazy\n\tdog ", "\xE2\x82\xAC 5", " x"})
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
  EXPECT_TRUE(refuses([] { parse_tokenizer(TokenizerKind::SentencePiece, "not a model", "m.model"); }, {"m.model"}));
}

TEST(SentencePieceModels, PublicOnesLoad) {
  const auto model = collection_file("sentencepiece/t5_tokenizer_base.model");
  if (!model) GTEST_SKIP() << "ISOBATH_DATA names no folder with SentencePiece models";
  std::shared_ptr<const Tokenizer> tokenizer;
  try {
    tokenizer = parse_tokenizer(TokenizerKind::SentencePiece, read_file(*model), model->string());
  } catch (const BackendError& error) {
    GTEST_SKIP() << error.what();
  }
  EXPECT_EQ(tokenizer->vocabulary(), 32000);
  EXPECT_EQ(tokenizer->end_token(), 1);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("The quick brown fox.")), "The quick brown fox.");
}

}  // namespace
}  // namespace isobath
