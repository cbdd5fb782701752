#pragma once
// Public corpora by name: which files they are, told by their SHA-256, and where they can be had.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace isobath {

struct CorpusFile {
  std::string_view name;  ///< below the folder of a local copy
  std::string_view sha256;
  std::string_view url;  ///< empty: it must be there
};

struct Corpus {
  std::string_view name;
  std::vector<CorpusFile> train, validation;
};

const std::vector<Corpus>& known_corpora();

/// Throws Error with ExitCode::Usage, naming those that are known.
const Corpus& corpus_named(std::string_view name);

/// The file in `folder` or in its sub-folder `corpus`, checked; downloaded into that sub-folder where it is missing and
/// has an address. Throws DataError: missing, not the file of the checksum, or not to be had.
std::filesystem::path find_corpus_file(const CorpusFile& file, std::string_view corpus,
                                       const std::filesystem::path& folder);

/// Fetches `url` with curl to `path`, which appears when its checksum is right, or never. Throws DataError.
void download(const std::string& url, const std::filesystem::path& path, std::string_view sha256);

}  // namespace isobath
