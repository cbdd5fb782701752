#include "data/bpe/bpe_vocabulary.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "data/bpe/byte_alphabet.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

// In the order of preference: a vocabulary may have several.
constexpr std::array<std::string_view, 5> kEndNames = {kEndOfText, "<|end_of_text|>", "</s>", "<eos>", "<|end|>"};

void check_tokens(const BpeVocabulary& vocabulary, const std::string& where) {
  std::unordered_set<std::string_view> seen;
  for (std::size_t number = 0; number < vocabulary.tokens.size(); ++number) {
    const std::string& token = vocabulary.tokens[number];
    const bool special = std::any_of(vocabulary.specials.begin(), vocabulary.specials.end(), [&](const auto& entry) {
      return entry.number == static_cast<std::int32_t>(number);
    });
    if (token.empty() && !special)
      throw DataError(text(where, ": no token has the number ", number, " of ", vocabulary.tokens.size()));
    if (!token.empty() && !seen.insert(token).second)
      throw DataError(text(where, ": token ", number, " (\"", to_byte_alphabet(token), "\") occurs twice"));
  }
}

}  // namespace

std::optional<std::int32_t> BpeVocabulary::end_token() const {
  for (const std::string_view name : kEndNames)
    for (const SpecialToken& special : specials)
      if (special.name == name) return special.number;
  return std::nullopt;
}

void BpeVocabulary::check(const std::string& where) const {
  check_tokens(*this, where);
  for (const BpeMerge& merge : merges) {
    for (const std::int32_t part : {merge.left, merge.right, merge.result})
      if (part < 0 || part >= size()) throw DataError(text(where, ": a merge names token ", part, " of ", size()));
    const auto bytes = [this](std::int32_t number) { return tokens[static_cast<std::size_t>(number)]; };
    const std::string joined = bytes(merge.left) + bytes(merge.right);
    if (bytes(merge.left).empty() || bytes(merge.right).empty() || joined != bytes(merge.result))
      throw DataError(text(where, ": a merge makes \"", to_byte_alphabet(bytes(merge.result)), "\" of \"",
                           to_byte_alphabet(joined), "\""));
  }
  const std::vector<std::int32_t> bytes = byte_tokens(*this);
  for (std::size_t byte = 0; byte < bytes.size(); ++byte)
    if (bytes[byte] < 0)
      throw DataError(text(where, ": no token stands for byte ", byte,
                           "; only byte-level BPE vocabularies, which can spell any text, can be read"));
}

std::vector<std::int32_t> byte_tokens(const BpeVocabulary& vocabulary) {
  std::vector<std::int32_t> out(256, -1);
  for (std::size_t number = 0; number < vocabulary.tokens.size(); ++number)
    if (vocabulary.tokens[number].size() == 1)
      out[static_cast<unsigned char>(vocabulary.tokens[number][0])] = static_cast<std::int32_t>(number);
  return out;
}

}  // namespace isobath
