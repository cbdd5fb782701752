#include "configs/yaml/load.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "configs/schema/document/merge.hpp"
#include "configs/yaml/read_text.hpp"

namespace isobath::config {
namespace {

namespace fs = std::filesystem;

/// A chain of files that extend one another is no deeper; without cycles nothing else ends a tree that branches at
/// every file.
constexpr std::size_t kMostFiles = 256;

Issue no_map(const Node& root, const Mark& mark) {
  const bool colon = root.kind == Node::Kind::Scalar && root.scalar.find(':') != std::string::npos;
  return {mark, "", "`key: value` lines", describe(root),
          colon ? "put a space behind the colon" : "is this the right file?"};
}

/// One path for every way to name a file; the path as it is where the system refuses to look.
fs::path identity_of(const fs::path& path) {
  std::error_code error;
  fs::path canonical = fs::weakly_canonical(path, error);
  return error ? path.lexically_normal() : canonical;
}

class Loader {
 public:
  explicit Loader(Document& document) : document_(document) {}

  /// The merged content of `path` and all that it extends. `asked_by` is the mark of the line that names it.
  Node file(const fs::path& path, const Mark& asked_by) {
    const std::string name = path.lexically_normal().string();
    const fs::path identity = identity_of(path);
    const auto open = std::find_if(chain_.begin(), chain_.end(), [&](const Link& l) { return l.identity == identity; });
    if (open != chain_.end()) return cycle(open, name, asked_by);
    if (document_.files.size() >= kMostFiles)
      return broken(
          {asked_by, "extends", "at most " + std::to_string(kMostFiles) + " files", "more", "extend fewer files"});

    std::string text;
    if (auto problem = read_text(path, text)) {
      const bool extended = asked_by.line > 0;
      return broken({asked_by, extended ? "extends" : "", "a file that can be read",
                     (extended ? in_quotes(name) + ", which " : "one that ") + problem->what, problem->hint});
    }
    Node root;
    if (parse(text, name, root, document_.issues) == Parsed::Broken) document_.parsed = Parsed::Broken;
    chain_.push_back({identity, name});
    Node base = extended_by(root, path.parent_path());
    chain_.pop_back();
    document_.files.push_back(name);
    merge(base, std::move(root), document_.issues);
    return base;
  }

 private:
  struct Link {
    fs::path identity;
    std::string name;
  };

  /// What `root` extends, merged; takes the key out of `root`.
  Node extended_by(Node& root, const fs::path& folder) {
    Node base = empty_node(Node::Kind::Map, root.mark);
    if (root.kind != Node::Kind::Map) {
      if (root.kind != Node::Kind::Nothing) document_.issues.push_back(no_map(root, root.mark));
      root = base;
      return base;
    }
    const auto at = std::find_if(root.map.begin(), root.map.end(), [](const Entry& e) { return e.key == "extends"; });
    if (at == root.map.end()) return base;
    const Node value = std::move(at->value);
    root.map.erase(at);
    const std::vector<Node> names = value.kind == Node::Kind::List ? value.list : std::vector<Node>{value};
    for (const Node& name : names) {
      if (name.kind == Node::Kind::Scalar && !name.scalar.empty())
        merge(base, file(folder / name.scalar, name.mark), document_.issues);
      else
        document_.issues.push_back({name.mark, "extends", "the path of a file, or a list of them", describe(name),
                                    "write extends: base.yaml"});
    }
    return base;
  }

  Node cycle(std::vector<Link>::const_iterator from, const std::string& name, const Mark& asked_by) {
    std::string text;
    for (auto link = from; link != chain_.end(); ++link) text += link->name + " -> ";
    return broken(
        {asked_by, "extends", "files that do not extend themselves", text + name, "cut the circle at one of them"});
  }

  Node broken(Issue issue) {
    document_.issues.push_back(std::move(issue));
    document_.parsed = Parsed::Broken;
    return empty_node(Node::Kind::Map, {});
  }

  Document& document_;
  std::vector<Link> chain_;
};

bool is_key_path(std::string_view path) {
  constexpr std::size_t kLongestPath = 256;  // every dot is a level of recursion
  return !path.empty() && path.size() <= kLongestPath && path.front() != '.' && path.back() != '.' &&
         path.find("..") == std::string_view::npos;
}

}  // namespace

Document load(const fs::path& path) {
  Document document;
  document.root = Loader(document).file(path, {path.string(), 0, 0});
  return document;
}

Document load_text(const std::string& text, const std::string& name) {
  Document document;
  document.files.push_back(name);
  document.parsed = parse(text, name, document.root, document.issues);
  if (document.root.kind != Node::Kind::Map && document.root.kind != Node::Kind::Nothing) {
    document.issues.push_back(no_map(document.root, document.root.mark));
    document.root = empty_node(Node::Kind::Map, {name, 0, 0});
  }
  return document;
}

void apply_overrides(Document& document, const std::vector<std::string>& overrides) {
  const Mark mark{std::string(kCommandLine), 0, 0};
  for (const std::string& override_text : overrides) {
    const std::size_t equals = override_text.find('=');
    const std::string path = override_text.substr(0, equals);
    if (equals == std::string::npos || !is_key_path(path)) {
      document.issues.push_back({mark, "", "key=value, with dots between section and key", in_quotes(override_text),
                                 "write for example train.steps=100"});
      continue;
    }
    Node value;
    if (parse_value(std::string_view(override_text).substr(equals + 1), value, document.issues) == Parsed::Whole)
      assign(document.root, path, std::move(value), document.issues);
  }
}

}  // namespace isobath::config
