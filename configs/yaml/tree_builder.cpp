#include "configs/yaml/tree_builder.hpp"

#include <utility>

namespace isobath::config {
namespace {

constexpr const char* kOneMeaning = "plain maps, lists and values";

}  // namespace

bool TreeBuilder::waits_for_key() const {
  return !frames_.empty() && frames_.back().node.kind == Node::Kind::Map && !frames_.back().key;
}

std::string TreeBuilder::path() const {
  std::string text;
  for (const Frame& frame : frames_)
    if (frame.key) text += (text.empty() ? "" : ".") + frame.key->text;
  return text;
}

void TreeBuilder::leaf(Node node) { waits_for_key() ? set_key(std::move(node)) : place(std::move(node)); }

void TreeBuilder::open(Node container) {
  const Role role = waits_for_key() ? Role::Key : Role::Value;
  frames_.push_back({std::move(container), role, std::nullopt});
}

void TreeBuilder::close() {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  if (frame.role == Role::Value) return place(std::move(frame.node));
  // Said at the closing bracket: yaml-cpp takes one that is never closed for a key, too, before it finds out.
  complain(frame.node.mark, frame.node.kind == Node::Kind::Map ? "a map as a key" : "a list as a key",
           "put quotes around text that begins with a bracket");
  frames_.back().key = Key{"", frame.node.mark, true};
}

void TreeBuilder::set_key(Node node) {
  Frame& frame = frames_.back();
  Key key{node.scalar, node.mark};
  if (node.kind == Node::Kind::Nothing || node.scalar.empty()) {
    complain(node.mark, "an empty key", "name the key");
    key.dropped = true;
  } else if (node.scalar == "<<" && node.quoting == Quoting::Plain) {
    complain(node.mark, "the merge key <<", "share values between files with extends");
    key.dropped = true;
  } else if (const Entry* first = frame.node.find(node.scalar)) {
    const std::string outer = path();
    issues_.push_back({node.mark, (outer.empty() ? "" : outer + ".") + node.scalar, "",
                       "duplicate key, first at " + to_string(first->mark), "remove one of the two"});
    key.dropped = true;
  }
  frame.key = std::move(key);
}

void TreeBuilder::place(Node node) {
  if (frames_.empty()) {
    root_ = std::move(node);
    return;
  }
  Frame& frame = frames_.back();
  if (frame.node.kind == Node::Kind::List) {
    frame.node.list.push_back(std::move(node));
    return;
  }
  if (node.kind == Node::Kind::Nothing) node.mark = frame.key->mark;  // yaml-cpp knows only what comes next
  if (!frame.key->dropped) frame.node.map.push_back({frame.key->text, frame.key->mark, std::move(node)});
  frame.key.reset();
}

void TreeBuilder::refuse(const Mark& mark, std::string found, std::string hint) {
  complain(mark, std::move(found), std::move(hint));
  if (waits_for_key()) {
    frames_.back().key = Key{"", mark, true};
  } else if (!frames_.empty() && frames_.back().node.kind == Node::Kind::Map) {
    frames_.back().key.reset();
  }
}

void TreeBuilder::complain(const Mark& mark, std::string found, std::string hint) {
  issues_.push_back({mark, path(), kOneMeaning, std::move(found), std::move(hint)});
}

}  // namespace isobath::config
