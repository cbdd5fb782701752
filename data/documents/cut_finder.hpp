#pragma once
// Where a text may be cut into parts that are encoded apart from each other.

#include <cstddef>
#include <optional>
#include <span>

#include "data/documents/document_rule.hpp"
#include "data/text/tokenizer.hpp"

namespace isobath {

/// Looks through one text, block by block. A cut lies behind a document, or inside one where the tokenizer allows it
/// and documents are whole texts.
class CutFinder {
 public:
  CutFinder(DocumentUnit unit, TextCuts inside) : unit_(unit), inside_(inside) {}

  /// The first place in `rest`, which follows what was passed, at `from` or behind it, where the text may be cut.
  std::optional<std::size_t> find(std::span<const std::byte> rest, std::size_t from) const;
  /// Moves on behind `bytes`.
  void pass(std::span<const std::byte> bytes);

 private:
  std::optional<std::size_t> find_space(std::span<const std::byte> rest, std::size_t from) const;

  DocumentUnit unit_;
  TextCuts inside_;
  bool after_line_feed_ = false;  // one that no second has made the end of a paragraph
  char last_ = 0;                 // byte before the next block
};

}  // namespace isobath
