#pragma once
// How a token is stored in a file: an unsigned little-endian integer of 1, 2 or 4 bytes. In memory tokens are i32.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "ops/core/error.hpp"

namespace isobath {

static_assert(std::endian::native == std::endian::little, "token files are mapped as they are, in little-endian order");

/// The value is the width in bytes, and what a file header says.
enum class TokenType : std::uint32_t { U8 = 1, U16 = 2, U32 = 4 };

inline constexpr std::array kTokenTypes{TokenType::U8, TokenType::U16, TokenType::U32};

constexpr std::int64_t size_of(TokenType type) { return static_cast<std::int64_t>(type); }

constexpr const char* name_of(TokenType type) {
  switch (type) {
    case TokenType::U8:
      return "u8";
    case TokenType::U16:
      return "u16";
    case TokenType::U32:
      return "u32";
  }
  return "?";
}

/// The narrowest type that holds tokens 0 .. vocabulary - 1.
constexpr TokenType narrowest_for(std::int64_t vocabulary) {
  if (vocabulary <= 256) return TokenType::U8;
  return vocabulary <= 65536 ? TokenType::U16 : TokenType::U32;
}

/// body(T{}) with the unsigned integer of `type`.
template <class Body>
decltype(auto) on_token_type(TokenType type, Body&& body) {
  switch (type) {
    case TokenType::U8:
      return body(std::uint8_t{});
    case TokenType::U16:
      return body(std::uint16_t{});
    case TokenType::U32:
      return body(std::uint32_t{});
  }
  throw InternalError(text("token type ", static_cast<std::uint32_t>(type), " does not exist"));
}

}  // namespace isobath
