#include "configs/schema/document/merge.hpp"

#include <string>
#include <utility>

namespace isobath::config {
namespace {

std::string below(const std::string& section, const std::string& key) {
  return section.empty() ? key : section + "." + key;
}

void merge_at(const std::string& path, Node& base, Node over, Issues& issues) {
  using enum Node::Kind;
  if (over.kind == Nothing && base.kind == Map) return;
  if (over.kind == Map && (base.kind == Scalar || base.kind == List))
    issues.push_back({base.mark, path, "a section, as " + to_string(over.mark) + " has it", describe(base),
                      "write its keys below it, indented, with a space behind each colon"});
  if (over.kind != Map || base.kind != Map) {
    base = std::move(over);
    return;
  }
  for (Entry& entry : over.map) {
    if (Entry* known = base.find(entry.key)) {
      known->mark = entry.mark;
      merge_at(below(path, entry.key), known->value, std::move(entry.value), issues);
    } else {
      base.map.push_back(std::move(entry));
    }
  }
}

/// `value` wrapped into sections, one for each key of `path`.
Node wrapped(std::string_view path, Node value) {
  const std::size_t dot = path.find('.');
  const Mark mark = value.mark;
  Node node = empty_node(Node::Kind::Map, mark);
  Node inner = dot == std::string_view::npos ? std::move(value) : wrapped(path.substr(dot + 1), std::move(value));
  node.map.push_back({std::string(path.substr(0, dot)), mark, std::move(inner)});
  return node;
}

}  // namespace

void merge(Node& base, Node over, Issues& issues) { merge_at("", base, std::move(over), issues); }

void assign(Node& root, std::string_view path, Node value, Issues& issues) {
  merge(root, wrapped(path, std::move(value)), issues);
}

}  // namespace isobath::config
