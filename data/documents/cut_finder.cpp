#include "data/documents/cut_finder.hpp"

#include <cstring>

namespace isobath {
namespace {

constexpr bool is_letter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }

// The end of the first pair of line feeds at `from` or behind it. Pairs count from the left: of three line feeds, the
// third begins the next paragraph. `after_line_feed` says whether one is waiting for its second.
std::optional<std::size_t> find_pair(std::span<const std::byte> bytes, std::size_t from, bool& after_line_feed) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const bool line_feed = bytes[at] == std::byte{'\n'}, pair = line_feed && after_line_feed;
    after_line_feed = line_feed && !pair;
    if (pair && at + 1 >= from) return at + 1;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> CutFinder::find(std::span<const std::byte> rest, std::size_t from) const {
  if (unit_ == DocumentUnit::BlankLine) {
    bool after_line_feed = after_line_feed_;
    return find_pair(rest, from, after_line_feed);
  }
  if (unit_ == DocumentUnit::None || unit_ == DocumentUnit::File)
    return inside_ == TextCuts::Never ? std::nullopt : find_space(rest, from);
  const std::size_t first = from == 0 ? 0 : from - 1;  // a line feed just before `from` will do
  const void* const found = std::memchr(rest.data() + first, '\n', rest.size() - first);
  if (found == nullptr) return std::nullopt;
  return static_cast<std::size_t>(static_cast<const std::byte*>(found) - rest.data()) + 1;
}

std::optional<std::size_t> CutFinder::find_space(std::span<const std::byte> rest, std::size_t from) const {
  for (std::size_t at = from; at < rest.size(); ++at) {
    const char before = at == 0 ? last_ : static_cast<char>(rest[at - 1]);
    if (rest[at] == std::byte{' '} && is_letter(before)) return at;
  }
  return std::nullopt;
}

void CutFinder::pass(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (unit_ == DocumentUnit::BlankLine) find_pair(bytes, bytes.size() + 1, after_line_feed_);
  last_ = static_cast<char>(bytes.back());
}

}  // namespace isobath
