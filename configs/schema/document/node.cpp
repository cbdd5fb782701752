#include "configs/schema/document/node.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace isobath::config {
namespace {

bool is_word(std::string_view text) {
  constexpr std::string_view kSigns = "_.+-/";
  return !text.empty() && text.size() <= 80 && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kSigns.find(c) != kSigns.npos;
  });
}

}  // namespace

std::string to_string(const Mark& mark) {
  std::string text = mark.file;
  for (const int number : {mark.line, mark.column}) {
    if (number <= 0) break;
    text += ':';
    text += std::to_string(number);
  }
  return text;
}

const Entry* Node::find(std::string_view key) const {
  const auto at = std::find_if(map.begin(), map.end(), [&](const Entry& entry) { return entry.key == key; });
  return at == map.end() ? nullptr : &*at;
}

Entry* Node::find(std::string_view key) { return const_cast<Entry*>(std::as_const(*this).find(key)); }

Node empty_node(Node::Kind kind, Mark mark) {
  Node node;
  node.kind = kind;
  node.mark = std::move(mark);
  return node;
}

Node scalar_node(std::string text, Quoting quoting, Mark mark) {
  Node node = empty_node(Node::Kind::Scalar, std::move(mark));
  node.scalar = std::move(text);
  node.quoting = quoting;
  return node;
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::Nothing:
      return "nothing";
    case Node::Kind::List:
      return "a list of " + std::to_string(node.list.size());
    case Node::Kind::Map:
      return "a section";
    case Node::Kind::Scalar:
      if (node.quoting == Quoting::Quoted) return "the text " + in_quotes(node.scalar);
      return is_word(node.scalar) ? node.scalar : in_quotes(node.scalar);
  }
  return "nothing";
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\x%02x", byte);
      out += code;
    } else {
      out += c;
    }
  }
  return out;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  return '"' + escaped(text.substr(0, kLongest)) + (text.size() > kLongest ? "...\"" : "\"");
}

}  // namespace isobath::config
