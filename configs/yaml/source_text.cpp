#include "configs/yaml/source_text.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "configs/yaml/parse.hpp"

namespace isobath::config {
namespace {

unsigned byte(char c) { return static_cast<unsigned char>(c); }

bool is_control(unsigned b) { return (b < 0x20 && b != '\t' && b != '\n' && b != '\r') || b == 0x7f; }

/// Length of the UTF-8 sequence at the front of `text`; 0 where there is none (RFC 3629: no overlong forms, no
/// surrogates).
std::size_t sequence_length(std::string_view text) {
  const unsigned lead = byte(text[0]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(text[i]) & 0xc0) != 0x80) return 0;
  const unsigned second = byte(text[1]);
  const bool wrong = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                     (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  return wrong ? 0 : length;
}

Mark mark_at(std::string_view text, std::size_t offset, const std::string& file) {
  if (file == kCommandLine) return {file, 0, 0};
  const std::string_view before = text.substr(0, offset);
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {file, 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
          1 + static_cast<int>(offset - start)};
}

Issue too_long(std::size_t bytes, const std::string& file) {
  const std::string most = std::to_string(kLongestText);
  return {Mark{file, 0, 0}, "", "a configuration of at most " + most + " bytes", std::to_string(bytes) + " bytes",
          "is this the right file?"};
}

Issue no_text(const std::string& what, unsigned culprit, const Mark& mark) {
  char hex[8];
  std::snprintf(hex, sizeof hex, "0x%02x", culprit);
  return {mark, "", "text in UTF-8", what + hex,
          "save the file as UTF-8 text, and write control characters as escapes in quotes"};
}

}  // namespace

bool is_plain_text(const std::string& text, const std::string& file, Issues& issues) {
  if (text.size() > kLongestText) {
    issues.push_back(too_long(text.size(), file));
    return false;
  }
  std::size_t length = 1;
  for (std::size_t at = 0; at < text.size(); at += length) {
    length = sequence_length(std::string_view(text).substr(at));
    if (length != 0 && !is_control(byte(text[at]))) continue;
    const char* what = length == 0 ? "the byte " : "the control character ";
    issues.push_back(no_text(what, byte(text[at]), mark_at(text, at, file)));
    return false;
  }
  return true;
}

SourceText::SourceText(std::string_view text) : text_(text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  lines_.push_back(text.substr(0, kByteOrderMark.size()) == kByteOrderMark ? kByteOrderMark.size() : 0);
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    lines_.push_back(at + 1);
}

std::string_view SourceText::from(int line, int column) const {
  if (line < 0 || column < 0 || static_cast<std::size_t>(line) >= lines_.size()) return {};
  const std::size_t at = lines_[static_cast<std::size_t>(line)] + static_cast<std::size_t>(column);
  return at < text_.size() ? text_.substr(at) : std::string_view{};
}

bool is_closed(std::string_view rest) {
  if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return true;
  const char quote = rest[0];
  for (std::size_t i = 1; i < rest.size(); ++i) {
    const bool escape = quote == '"' ? rest[i] == '\\' : rest.substr(i, 2) == "''";
    if (escape)
      ++i;
    else if (rest[i] == quote)
      return true;
  }
  return false;
}

}  // namespace isobath::config
