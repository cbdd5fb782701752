#include "data/text/tokenizer.hpp"

#include <utility>

#include "data/text/utf8.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

class BytesEncoder : public StreamEncoder {
 public:
  void encode(std::span<const std::byte> block, std::vector<std::int32_t>& out) override {
    for (const std::byte byte : block) out.push_back(static_cast<std::int32_t>(byte));
  }
};

class CharacterEncoder : public StreamEncoder {
 public:
  CharacterEncoder(const CharacterVocabulary& characters, std::string where)
      : characters_(characters), where_(where), decoder_(std::move(where)) {}

  void encode(std::span<const std::byte> block, std::vector<std::int32_t>& out) override {
    codes_.clear();
    decoder_.decode(block, codes_);
    for (const char32_t code : codes_) {
      const std::int32_t number = characters_.number_of(code);
      if (number < 0)
        throw DataError(text(where_, ": character ", done_, " is ", name_of_code_point(code),
                             ", which the vocabulary of ", characters_.size(),
                             " characters does not have; build the vocabulary from all texts, or use the tokenizer ",
                             "bytes"));
      out.push_back(number);
      ++done_;
    }
  }
  void finish(std::vector<std::int32_t>&) override { decoder_.finish(); }

 private:
  const CharacterVocabulary& characters_;
  std::string where_;
  Utf8Decoder decoder_;
  std::u32string codes_;
  std::int64_t done_ = 0;  // characters
};

}  // namespace

std::vector<std::int32_t> Tokenizer::encode(std::string_view whole) const {
  std::vector<std::int32_t> tokens;
  const auto encoder = stream("the text");
  encoder->encode(std::as_bytes(std::span(whole)), tokens);
  encoder->finish(tokens);
  return tokens;
}

std::unique_ptr<StreamEncoder> BytesTokenizer::stream(std::string) const { return std::make_unique<BytesEncoder>(); }

std::string BytesTokenizer::decode(std::span<const std::int32_t> tokens) const {
  std::string out;
  for (const std::int32_t token : tokens) {
    if (token >= 0 && token < 256)
      out += static_cast<char>(static_cast<unsigned char>(token));
    else
      append_utf8(kReplacementCharacter, out);
  }
  return out;
}

std::unique_ptr<StreamEncoder> CharacterTokenizer::stream(std::string where) const {
  return std::make_unique<CharacterEncoder>(characters_, std::move(where));
}

std::string CharacterTokenizer::decode(std::span<const std::int32_t> tokens) const {
  const std::u32string& codes = characters_.characters();
  std::string out;
  for (const std::int32_t token : tokens)
    append_utf8(token >= 0 && token < vocabulary() ? codes[static_cast<std::size_t>(token)] : kReplacementCharacter,
                out);
  return out;
}

}  // namespace isobath
