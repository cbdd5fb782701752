#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace isobath {

/// Which rule made the tokens. `External`: another program did; isobath reads such tokens but cannot print them.
/// The values stand in file headers and never change.
enum class TokenizerKind : std::uint32_t { External = 0, Bytes = 1, Characters = 2, Bpe = 3, SentencePiece = 4 };

constexpr std::string_view name_of(TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::External:
      return "external";
    case TokenizerKind::Bytes:
      return "bytes";
    case TokenizerKind::Characters:
      return "characters";
    case TokenizerKind::Bpe:
      return "bpe";
    case TokenizerKind::SentencePiece:
      return "sentencepiece";
  }
  return "?";
}

inline constexpr std::array kTokenizerKinds{TokenizerKind::External, TokenizerKind::Bytes, TokenizerKind::Characters,
                                            TokenizerKind::Bpe, TokenizerKind::SentencePiece};

constexpr std::optional<TokenizerKind> tokenizer_kind_of(std::string_view name) {
  for (const TokenizerKind kind : kTokenizerKinds)
    if (name_of(kind) == name) return kind;
  return std::nullopt;
}

}  // namespace isobath
