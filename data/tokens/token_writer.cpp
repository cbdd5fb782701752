#include "data/tokens/token_writer.hpp"

#include <cstring>

namespace isobath {

TokenWriter::TokenWriter(const std::filesystem::path& path, TokenizerKind tokenizer, std::int64_t vocabulary)
    : file_(path) {
  require(vocabulary > 0, path.string(), ": a vocabulary of ", vocabulary, " entries");
  header_.type = narrowest_for(vocabulary);
  header_.tokenizer = tokenizer;
  header_.vocabulary = vocabulary;
  file_.write(TokenHeaderBytes{});  // room; a file that says nothing yet cannot be taken for a whole one
}

void TokenWriter::append(std::span<const std::int32_t> tokens) {
  block_.resize(tokens.size() * static_cast<std::size_t>(size_of(header_.type)));
  on_token_type(header_.type, [&](auto zero) {
    using T = decltype(zero);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      require(tokens[i] >= 0 && tokens[i] < header_.vocabulary, "token ", tokens[i], " in a vocabulary of ",
              header_.vocabulary);
      const T stored = static_cast<T>(tokens[i]);
      std::memcpy(block_.data() + i * sizeof(T), &stored, sizeof(T));
    }
  });
  hasher_.update(block_);
  file_.write(block_);
  header_.count += static_cast<std::int64_t>(tokens.size());
}

TokenHeader TokenWriter::finish() {
  header_.fingerprint = hasher_.finish();
  file_.write_at(0, encode(header_));
  file_.commit();
  return header_;
}

}  // namespace isobath
