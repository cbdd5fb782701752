#include "data/tokens/token_stream.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace isobath {

TokenStream::TokenStream(std::vector<TokenFile> files, std::int64_t vocabulary)
    : files_(std::move(files)), begins_{0}, vocabulary_(vocabulary) {
  require(!files_.empty(), "a token stream needs a file");
  require(vocabulary > 0 && vocabulary <= std::numeric_limits<std::int32_t>::max(), "a vocabulary of ", vocabulary);
  for (const TokenFile& file : files_) begins_.push_back(begins_.back() + file.info().count);
}

std::size_t TokenStream::file_at(std::int64_t position) const {
  require(position >= 0 && position < size(), "token ", position, " of ", size());
  return static_cast<std::size_t>(std::upper_bound(begins_.begin(), begins_.end(), position) - begins_.begin()) - 1;
}

void TokenStream::copy(std::int64_t begin, std::span<std::int32_t> out) const {
  const auto count = static_cast<std::int64_t>(out.size());
  if (count == 0) return;
  require(begin >= 0 && count <= size() - begin, "tokens [", begin, ", ", begin + count, ") of ", size());
  std::int64_t done = 0;
  for (std::size_t file = file_at(begin); done < count; ++file) {
    const std::int64_t part = std::min(count - done, begins_[file + 1] - (begin + done));
    files_[file].copy(begin + done - begins_[file],
                      out.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(part)));
    done += part;
  }
  std::uint32_t most = 0;  // unsigned: a stored token beyond 2^31 - 1 must not pass for a small one
  for (const std::int32_t token : out) most = std::max(most, static_cast<std::uint32_t>(token));
  if (most < static_cast<std::uint32_t>(vocabulary_)) return;
  for (std::int64_t i = 0; i < count; ++i) {
    if (static_cast<std::uint32_t>(out[static_cast<std::size_t>(i)]) < static_cast<std::uint32_t>(vocabulary_))
      continue;
    const TokenPlace place = locate(begin + i);
    throw DataError(text(place.path, ": token ", place.index, " is ", at(begin + i), ", but the vocabulary has ",
                         vocabulary_, " entries; set data.vocabulary to the one these tokens belong to"));
  }
}

TokenPlace TokenStream::locate(std::int64_t position) const {
  const std::size_t file = file_at(position);
  return {files_[file].info().path, position - begins_[file]};
}

std::optional<std::int64_t> TokenStream::first_from(std::int64_t limit) const {
  for (std::size_t file = 0; file < files_.size(); ++file)
    if (const auto found = files_[file].first_from(limit, 0, files_[file].info().count)) return begins_[file] + *found;
  return std::nullopt;
}

std::int64_t TokenStream::at(std::int64_t position) const {
  const std::size_t file = file_at(position);
  return files_[file].at(position - begins_[file]);
}

}  // namespace isobath
