#pragma once
// Which known word a misspelt one probably meant.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace isobath::config {

/// Least number of insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (no letter
/// touched twice).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The entry of `known` nearest to `word`, the first of equals; empty when none is near enough to be meant (a third of
/// its letters or two edits, one in a word of three letters, never all).
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// What to write instead of the unknown key `path`, out of all known full paths (fields and sections), as a hint for
/// people. Asked in order: one edit away in the same section; the same key in another section; farther or abbreviated
/// ("lr") in the same section; misspelt in another section; else all keys of the section.
std::string suggest_key(std::string_view path, const std::vector<std::string>& known);

}  // namespace isobath::config
