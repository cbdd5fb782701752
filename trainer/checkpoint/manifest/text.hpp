#pragma once
// The manifest as JSON text, sealed by a digest of its own bytes.

#include <string>
#include <string_view>

#include "trainer/checkpoint/manifest/manifest.hpp"

namespace isobath {

/// Sealed JSON text. Throws StorageError when a string of the state is not UTF-8 or a free section is not JSON.
std::string encode(const Manifest& manifest);

/// Reads and checks what `encode` wrote; the result is safe to act on: ranges lie inside their files and cover every
/// tensor. Never trusts a byte of `manifest`. Throws StorageError that starts with `where` and names the field.
Manifest decode(std::string_view manifest, const std::string& where);

/// Puts the digest in front of a JSON object's text.
std::string seal(std::string_view object);
/// Whether `sealed` is, byte for byte, what `seal` returned.
bool seal_holds(std::string_view sealed);

/// The parser's tree is walked recursively, so depth is bounded before parsing.
inline constexpr int kMaxJsonDepth = 64;
/// Most brackets open at once, strings left out.
int nesting_depth(std::string_view json);

/// Throws StorageError unless every range lies inside its file and every tensor is covered exactly once.
void validate(const Manifest& manifest, const std::string& where);

}  // namespace isobath
