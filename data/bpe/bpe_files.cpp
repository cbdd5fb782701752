#include "data/bpe/bpe_files.hpp"

#include <array>
#include <utility>

#include "data/files/text_reader.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = std::size_t{256} << 20;
constexpr std::array<std::pair<const char*, const char*>, 2> kPairs = {
    {{"vocab.bpe", "encoder.json"}, {"merges.txt", "vocab.json"}}};

BpeVocabulary read_pair(const fs::path& folder, const std::pair<const char*, const char*>& names) {
  return parse_gpt2_files(read_text(folder / names.first, kMostBytes), read_text(folder / names.second, kMostBytes),
                          (folder / names.first).string() + " with " + names.second);
}

}  // namespace

BpeVocabulary read_bpe_vocabulary(const fs::path& path) {
  std::error_code unknown;  // what cannot be looked at is reported by opening it
  if (!fs::is_directory(path, unknown)) {
    for (const auto& pair : kPairs)
      if (path.filename() == pair.first || path.filename() == pair.second) return read_pair(path.parent_path(), pair);
    return parse_tokenizer_json(read_text(path, kMostBytes), path.string());
  }
  if (fs::exists(path / kBpeFile, unknown)) return read_bpe_vocabulary(path / kBpeFile);
  for (const auto& pair : kPairs)
    if (fs::exists(path / pair.first, unknown)) return read_pair(path, pair);
  throw DataError(text(path.string(),
                       ": holds neither tokenizer.json nor vocab.bpe with encoder.json; name the folder ",
                       "of a byte-level BPE vocabulary, or train one: isobath prepare --tokenizer bpe --entries 8192"));
}

Fingerprint fingerprint_of(const BpeVocabulary& vocabulary) {
  return Hasher().update(std::string_view(to_tokenizer_json(vocabulary))).finish();
}

}  // namespace isobath
