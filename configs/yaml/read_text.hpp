#pragma once
// A whole text file into memory, with a reason and a remedy where that fails.

#include <filesystem>
#include <optional>
#include <string>

namespace isobath::config {

struct Unreadable {
  std::string what;  ///< ends the sentence "a file that ..."
  std::string hint;
};

/// Fills `text`, or says why not. Reads at most one byte more than a configuration may have.
std::optional<Unreadable> read_text(const std::filesystem::path& path, std::string& text);

}  // namespace isobath::config
