#pragma once
// A configuration document as a tree of plain values, each with the place it was written at. Which syntax it was read
// from is not known here.

#include <string>
#include <string_view>
#include <vector>

namespace isobath::config {

/// Where something was written. `line` and `column` count from 1; 0 means the file as a whole, or no file at all
/// ("command line").
struct Mark {
  std::string file;
  int line = 0;
  int column = 0;

  bool operator==(const Mark&) const = default;
};

inline constexpr std::string_view kCommandLine = "command line";

/// "file:line:column", or what is known of it.
std::string to_string(const Mark& mark);

enum class Quoting { Plain, Quoted };

struct Entry;

struct Node {
  enum class Kind { Nothing, Scalar, List, Map };

  Kind kind = Kind::Nothing;
  Mark mark;
  std::string scalar;                ///< the text as written, quotes and escapes resolved
  Quoting quoting = Quoting::Plain;  ///< "6" in quotes is text, never a number
  std::vector<Node> list;
  std::vector<Entry> map;  ///< in the order of the file; keys are unique

  const Entry* find(std::string_view key) const;
  Entry* find(std::string_view key);
};

struct Entry {
  std::string key;
  Mark mark;
  Node value;
};

/// A node of `kind` that holds nothing yet.
Node empty_node(Node::Kind kind, Mark mark);
Node scalar_node(std::string text, Quoting quoting, Mark mark);

/// "1.5", "the text \"6\"", "a list of 3", "a section", "nothing": what an error message says was found.
std::string describe(const Node& node);

/// `text` in double quotes, unprintable bytes escaped, long text cut: fit for one line of a message.
std::string in_quotes(std::string_view text);

/// Quotes, backslashes and control characters as a double-quoted YAML scalar writes them.
std::string escaped(std::string_view text);

}  // namespace isobath::config
