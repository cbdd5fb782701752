#include "data/bpe/bpe_tokenizer.hpp"

#include <unordered_map>
#include <utility>

#include "data/bpe/piece_cache.hpp"
#include "data/bpe/piece_stream.hpp"
#include "data/text/utf8.hpp"

namespace isobath {
namespace {

class BpeEncoder : public StreamEncoder {
 public:
  explicit BpeEncoder(const BpeTokenizer& tokenizer)
      : pieces_(tokenizer.pattern()), merger_(tokenizer.merges(), tokenizer.bytes()) {
    if (tokenizer.entries().whole_pieces == WholePieces::ByMerges) return;
    for (std::int32_t number = 0; number < tokenizer.entries().size(); ++number)
      whole_.emplace(tokenizer.entries().tokens[static_cast<std::size_t>(number)], number);
  }

  void encode(std::span<const std::byte> block, std::vector<std::int32_t>& out) override {
    pieces_.append(block);
    pieces_.take(TextEnd::MayFollow, [&](std::string_view piece) { add(piece, out); });
  }
  void finish(std::vector<std::int32_t>& out) override {
    pieces_.take(TextEnd::Reached, [&](std::string_view piece) { add(piece, out); });
  }

 private:
  void add(std::string_view piece, std::vector<std::int32_t>& out) {
    if (piece.size() > PieceCache::kLongest) return merge(piece, out);
    const std::uint64_t hash = PieceCache::hash(piece);
    if (cache_.append_known(piece, hash, out)) return;
    const std::size_t before = out.size();
    merge(piece, out);
    cache_.remember(piece, hash, std::span(out).subspan(before));
  }
  void merge(std::string_view piece, std::vector<std::int32_t>& out) {
    const auto found = whole_.empty() ? whole_.end() : whole_.find(piece);
    if (found != whole_.end()) return out.push_back(found->second);
    merger_.merge(piece, out);
  }

  PieceStream pieces_;
  BpeMerger merger_;
  PieceCache cache_;
  std::unordered_map<std::string_view, std::int32_t> whole_;  // tokens by their bytes, where pieces become them at once
};

}  // namespace

BpeTokenizer::BpeTokenizer(BpeVocabulary vocabulary, const std::string& where)
    : vocabulary_(std::move(vocabulary)),
      texts_(vocabulary_.tokens),
      pattern_(vocabulary_.pattern, where),
      merges_(vocabulary_.merges),
      bytes_(byte_tokens(vocabulary_)) {
  for (const SpecialToken& special : vocabulary_.specials)
    texts_[static_cast<std::size_t>(special.number)] = special.name;
}

std::unique_ptr<StreamEncoder> BpeTokenizer::stream(std::string) const { return std::make_unique<BpeEncoder>(*this); }

std::string BpeTokenizer::decode(std::span<const std::int32_t> tokens) const {
  std::string out;
  for (const std::int32_t token : tokens) {
    if (token >= 0 && token < vocabulary())
      out += texts_[static_cast<std::size_t>(token)];
    else
      append_utf8(kReplacementCharacter, out);
  }
  return out;
}

}  // namespace isobath
