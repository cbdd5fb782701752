// A share of the parts, and the message that another process takes it from.

#include "data/parts/encoding_order.hpp"

#include <gtest/gtest.h>

#include "data/data_support.hpp"
#include "data/prepare/choose_tokenizer.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

using test::refuses;
using test::TempFolder;
using test::write_file;

class EncodingOrder : public ::testing::Test {
 protected:
  EncodingOrder() {
    std::string content;
    for (int i = 0; i < 4000; ++i) content += "word" + std::to_string(i * i % 37) + (i % 9 == 8 ? "\n" : " ");
    write_file(texts_[0], content);
    survey_ = survey_texts(texts_, {TokenizerKind::Bytes, DocumentUnit::Line, TextCuts::BeforeSpaces, 3000});
    store_.open(survey_.fingerprint);
  }
  EncodingJob job() const {
    return {.texts = texts_,
            .parts = survey_.parts,
            .tokenizer = tokenizer_,
            .documents = documents_,
            .store = store_,
            .vocabulary = CharacterVocabulary().fingerprint()};
  }

  const TempFolder folder_;
  const std::vector<std::filesystem::path> texts_{folder_ / "a b\xff\".txt"};  // no UTF-8
  const BytesTokenizer tokenizer_;
  const DocumentRule documents_{DocumentUnit::Line, {}, EndTokenPlace::None};
  const PartStore store_{folder_ / "out"};
  Survey survey_;
};

TEST_F(EncodingOrder, IsTheJobItWasMadeOf) {
  const EncodingJob sent = job();
  const OrderedJob received(to_order(sent));
  const EncodingJob got = received.job();
  EXPECT_EQ(got.texts, sent.texts);
  EXPECT_EQ(got.documents, sent.documents);
  EXPECT_EQ(got.vocabulary, sent.vocabulary);
  EXPECT_EQ(got.store.file(3), sent.store.file(3));
  ASSERT_GT(sent.parts.size(), 5u);
  const std::vector<std::int64_t> counts = encode_parts(got);
  for (std::size_t part = 0; part < counts.size(); ++part)
    ASSERT_TRUE(store_.whole(part)) << "every part has the content that was planned";
  EXPECT_EQ(encode_parts(sent), counts);
}

TEST_F(EncodingOrder, SharesAreDisjointAndTogetherAll) {
  const std::vector<std::int64_t> all = encode_parts(job());
  std::vector<std::int64_t> sum(all.size(), 0);
  for (std::int64_t rank = 0; rank < 3; ++rank) {
    EncodingJob share = job();
    share.share = {rank, 3};
    share.threads = 2;
    const std::vector<std::int64_t> counts = encode_parts(share);
    for (std::size_t part = 0; part < sum.size(); ++part) {
      EXPECT_EQ(counts[part] > 0, static_cast<std::int64_t>(part) % 3 == rank) << part;
      sum[part] += counts[part];
    }
  }
  EXPECT_EQ(sum, all);
}

TEST_F(EncodingOrder, StopsWhenAskedWithoutAnError) {
  EncodingJob stopped = job();
  std::stop_source stop;
  stopped.stop = stop.get_token();
  stopped.done = [&](std::int64_t) { stop.request_stop(); };
  const std::vector<std::int64_t> counts = encode_parts(stopped);
  EXPECT_GT(counts.front(), 0);
  EXPECT_EQ(counts.back(), 0);
  EXPECT_FALSE(store_.whole(counts.size() - 1));
}

TEST_F(EncodingOrder, IsRefusedWhereTheFolderIsNotShared) {
  const std::string order = to_order(job());
  store_.remove();
  EXPECT_TRUE(refuses<StorageError>([&] { OrderedJob received(order); }, {"out", "every rank sees"}));
  store_.open(CharacterVocabulary().fingerprint());
  EXPECT_TRUE(refuses<StorageError>([&] { OrderedJob received(order); }, {"out", "every rank sees"}));
}

}  // namespace
}  // namespace isobath
