#include <algorithm>
#include <unordered_map>
#include <utility>

#include "data/bpe/bpe_files.hpp"
#include "data/bpe/piece_stream.hpp"
#include "data/prepare/survey.hpp"
#include "data/training/pair_counts.hpp"
#include "data/training/train_tokenizer.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

constexpr std::int64_t kFewest = 257;  // the bytes and the end token
constexpr std::size_t kLongest = 256;  // bytes; longer pieces are no words, and would cost more than they teach
using WordCounts = std::unordered_map<std::string, std::int64_t>;

// Its streams count pieces instead of encoding them.
class WordCounter : public Tokenizer {
 public:
  WordCounter(const PiecePattern& pattern, WordCounts& counts) : pattern_(pattern), counts_(counts) {}

  TokenizerKind kind() const override { return TokenizerKind::Bpe; }
  std::int64_t vocabulary() const override { return 0; }
  std::string decode(std::span<const std::int32_t>) const override { return {}; }
  std::unique_ptr<StreamEncoder> stream(std::string) const override {
    return std::make_unique<Stream>(pattern_, counts_);
  }

 private:
  class Stream : public StreamEncoder {
   public:
    Stream(const PiecePattern& pattern, WordCounts& counts) : pieces_(pattern), counts_(counts) {}
    void encode(std::span<const std::byte> block, std::vector<std::int32_t>&) override {
      pieces_.append(block);
      count(TextEnd::MayFollow);
    }
    void finish(std::vector<std::int32_t>&) override { count(TextEnd::Reached); }

   private:
    void count(TextEnd end) {
      pieces_.take(end, [this](std::string_view piece) {
        if (piece.size() <= kLongest) ++counts_[std::string(piece)];
      });
    }

    PieceStream pieces_;
    WordCounts& counts_;
  };

  const PiecePattern& pattern_;
  WordCounts& counts_;
};

BpeVocabulary learn(PairCounts& pairs, std::int64_t entries, const LearningProgress& progress) {
  BpeVocabulary out;
  for (int byte = 0; byte < 256; ++byte) out.tokens.emplace_back(1, static_cast<char>(byte));
  std::unordered_map<std::string, std::int32_t> known;  // two pairs may join to the same bytes
  for (std::int32_t number = 0; number < 256; ++number)
    known.emplace(out.tokens[static_cast<std::size_t>(number)], number);
  while (out.size() < entries - 1) {
    leave_if_asked();
    const auto pair = pairs.most_frequent();
    if (!pair) break;
    std::string joined =
        out.tokens[static_cast<std::size_t>(pair->left)] + out.tokens[static_cast<std::size_t>(pair->right)];
    const auto [place, is_new] = known.emplace(joined, static_cast<std::int32_t>(out.size()));
    if (is_new) out.tokens.push_back(std::move(joined));
    out.merges.push_back({pair->left, pair->right, place->second});
    pairs.merge(*pair, place->second);
    if (progress) progress(out.size() - 256, entries - kFewest);
  }
  out.specials.push_back({static_cast<std::int32_t>(out.size()), std::string(kEndOfText)});
  out.tokens.emplace_back();
  return out;
}

}  // namespace

std::string train_bpe(const TrainingTexts& corpus, std::int64_t entries, const LearningProgress& progress) {
  if (entries < kFewest)
    throw DataError(text("a byte-level BPE vocabulary of ", entries, " entries: the bytes and the end token alone are ",
                         kFewest, "; ask for more, 8192 for a small corpus"));
  const PiecePattern pattern{std::string(kGpt2Pattern), "the pattern of GPT-2"};
  WordCounts counts;
  read_documents(corpus, WordCounter(pattern, counts));
  // In the order of their bytes, so that nothing depends on the hash table.
  std::vector<std::pair<std::string, std::int64_t>> words(counts.begin(), counts.end());
  std::sort(words.begin(), words.end());
  PairCounts pairs;
  for (const auto& [word, count] : words) pairs.add(word, count);
  pairs.start();
  const BpeVocabulary vocabulary = learn(pairs, entries, progress);
  vocabulary.check("the trained vocabulary");
  return to_tokenizer_json(vocabulary);
}

}  // namespace isobath
