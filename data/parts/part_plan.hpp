#pragma once
// How texts are divided into parts: pieces of work for threads and ranks, and what an interrupted prepare keeps.

#include <cstdint>
#include <span>
#include <vector>

#include "data/documents/cut_finder.hpp"
#include "data/documents/document_encoder.hpp"
#include "data/files/fingerprint.hpp"

namespace isobath {

/// Bytes [begin, end) of a text.
struct Stretch {
  std::size_t text = 0;
  std::int64_t begin = 0, end = 0;
  StretchEdge starts = StretchEdge::OfText, ends = StretchEdge::OfText;
};

/// One or more stretches in order.
struct Part {
  std::vector<Stretch> stretches;
  Fingerprint content;  ///< of their bytes

  std::int64_t bytes() const;
};

/// Takes texts block by block and cuts them into parts of a little more than `part_bytes`. Where the cuts lie depends
/// on the texts, the unit and the tokenizer, and never on who encodes the parts.
class PartPlanner {
 public:
  PartPlanner(DocumentUnit unit, TextCuts inside, std::int64_t part_bytes);

  void begin_text(std::size_t text);
  void take(std::span<const std::byte> block);
  void end_text();
  std::vector<Part> finish();

 private:
  void add(std::span<const std::byte> bytes);
  void close_stretch(StretchEdge edge);
  void close_part();

  DocumentUnit unit_;
  TextCuts inside_;
  std::int64_t part_bytes_;
  CutFinder finder_;
  Stretch stretch_;
  Part part_;
  std::int64_t gathered_ = 0;  // bytes of the part
  std::unique_ptr<Hasher> hasher_;
  std::vector<Part> done_;
};

}  // namespace isobath
