#pragma once
// Building a document tree from events, in the order of the text, and refusing what a configuration must not contain.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "configs/schema/document/config_error.hpp"
#include "configs/schema/document/node.hpp"

namespace isobath::config {

class TreeBuilder {
 public:
  explicit TreeBuilder(Issues& issues) : issues_(issues) {}

  /// A scalar or an empty value: a key where the map around it waits for one, else a value.
  void leaf(Node node);
  void open(Node container);
  void close();
  /// Something that stands where a key or value stands, and is refused.
  void refuse(const Mark& mark, std::string found, std::string hint);
  /// Something that is refused beside a key or value that still comes.
  void complain(const Mark& mark, std::string found, std::string hint);

  Node take() { return std::move(root_); }

 private:
  struct Key {
    std::string text;
    Mark mark;
    bool dropped = false;  // refused: its value is read, checked and forgotten
  };
  enum class Role { Value, Key };
  struct Frame {
    Node node;
    Role role = Role::Value;
    std::optional<Key> key;
  };

  bool waits_for_key() const;
  void set_key(Node node);
  void place(Node node);
  std::string path() const;

  std::vector<Frame> frames_;
  Node root_;
  Issues& issues_;
};

}  // namespace isobath::config
