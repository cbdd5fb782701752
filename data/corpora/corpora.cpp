#include "data/corpora/corpora.hpp"

#include "data/files/sha256.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

void check(const std::filesystem::path& path, std::string_view sha256) {
  const std::string found = sha256_of(path);
  if (found != sha256)
    throw DataError(text(path.string(), ": is another file than the one that is known by this name: its SHA-256 is ",
                         found, ", expected ", sha256, "; get it again, or prepare it as a text of your own"));
}

}  // namespace

const std::vector<Corpus>& known_corpora() {
  static const std::vector<Corpus> known = {
      {"tinyshakespeare",
       {{"input.txt", "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
         "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"}},
       {}},
      {"wikitext-2",
       {{"wiki.train.txt", "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f", ""}},
       {{"wiki.valid.txt", "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8", ""}}},
      {"enwik", {{"enwik6", "369b688978f649681136198fb96db14c1616756260c55fb4b65e9bc049552cad", ""}}, {}},
  };
  return known;
}

const Corpus& corpus_named(std::string_view name) {
  std::string names;
  for (const Corpus& corpus : known_corpora()) {
    if (corpus.name == name) return corpus;
    names += (names.empty() ? "" : ", ") + std::string(corpus.name);
  }
  throw Error(ExitCode::Usage, text("no corpus is known as ", name, "; known are: ", names));
}

std::filesystem::path find_corpus_file(const CorpusFile& file, std::string_view corpus,
                                       const std::filesystem::path& folder) {
  std::error_code unknown;  // what cannot be looked at is reported by reading it
  const auto below = folder / corpus / file.name;
  for (const auto& path : {folder / file.name, below}) {
    if (!std::filesystem::exists(path, unknown)) continue;
    check(path, file.sha256);
    return path;
  }
  if (file.url.empty())
    throw DataError(text(below.string(), ": is not there, and ", corpus,
                         " is not downloaded by isobath; name the folder of a copy: --from DIR"));
  std::filesystem::create_directories(below.parent_path(), unknown);
  download(std::string(file.url), below, file.sha256);
  return below;
}

}  // namespace isobath
