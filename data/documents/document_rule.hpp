#pragma once
// What a document is, and how the tokens say where one ends.

#include <string>
#include <string_view>

namespace isobath {

enum class DocumentUnit {
  None,       ///< texts are read one after the other and nothing stands between them
  File,       ///< a text is a document
  Line,       ///< a line without its line feed
  BlankLine,  ///< a paragraph with the two line feeds behind it, as llm.c cuts tiny Shakespeare
  Jsonl,      ///< a string field of each line's JSON object
};

/// Where the end token stands. In one long stream both put it between two documents.
enum class EndTokenPlace { None, Before, After };

struct DocumentRule {
  DocumentUnit unit = DocumentUnit::None;
  std::string field;  ///< of Jsonl
  EndTokenPlace end_token = EndTokenPlace::None;

  bool operator==(const DocumentRule&) const = default;
  /// "jsonl:text, end token before": how the manifest keeps it.
  std::string name() const;
};

/// Sets unit and field from "none", "file", "line", "blank-line" or "jsonl:FIELD". Throws Error with ExitCode::Usage.
void parse_documents(std::string_view words, DocumentRule& rule);

}  // namespace isobath
