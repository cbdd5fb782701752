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
  if (mark.line > 0) text += ":" + std::to_string(mark.line);
  if (mark.line > 0 && mark.column > 0) text += ":" + std::to_string(mark.column);
  return text;
}

const Entry* Node::find(std::string_view key) const {
  const auto at = std::find_if(map.begin(), map.end(), [&](const Entry& entry) { return entry.key == key; });
  return at == map.end() ? nullptr : &*at;
}

Entry* Node::find(std::string_view key) { return const_cast<Entry*>(std::as_const(*this).find(key)); }

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

void merge(Node& base, Node over) {
  if (over.kind == Node::Kind::Nothing && base.kind == Node::Kind::Map) return;
  if (over.kind != Node::Kind::Map || base.kind != Node::Kind::Map) {
    base = std::move(over);
    return;
  }
  for (Entry& entry : over.map) {
    if (Entry* known = base.find(entry.key)) {
      known->mark = entry.mark;
      merge(known->value, std::move(entry.value));
    } else {
      base.map.push_back(std::move(entry));
    }
  }
}

void assign(Node& root, std::string_view path, Node value) {
  Node* at = &root;
  while (true) {
    const std::size_t dot = path.find('.');
    const std::string key(path.substr(0, dot));
    if (at->kind != Node::Kind::Map) *at = Node{Node::Kind::Map, value.mark, {}, {}, {}, {}};
    Entry* entry = at->find(key);
    if (entry == nullptr) {
      at->map.push_back({key, value.mark, {}});
      entry = &at->map.back();
    }
    if (dot == std::string_view::npos) {
      entry->mark = value.mark;
      entry->value = std::move(value);
      return;
    }
    at = &entry->value;
    path.remove_prefix(dot + 1);
  }
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string out = "\"";
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + (text.size() > kLongest ? "...\"" : "\"");
}

}  // namespace isobath::config
