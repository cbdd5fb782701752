#pragma once
// The tokenizer of a dataset that is being prepared: given, counted or trained.

#include <memory>
#include <string>

#include "data/parts/part_store.hpp"
#include "data/prepare/prepare.hpp"
#include "data/prepare/survey.hpp"
#include "data/text/tokenizer.hpp"

namespace isobath {

struct ChosenTokenizer {
  std::shared_ptr<const Tokenizer> tokenizer;
  std::string content;      ///< of the file that is kept beside the tokens; empty where there is none
  Fingerprint fingerprint;  ///< as in the manifest
};

/// What `options` name; no tokenizer where it must be made from the texts first. Throws DataError.
ChosenTokenizer given_tokenizer(const PrepareOptions& options);

/// `given`, or the one made from the texts. A trained one is kept in `store`, so that it is trained once. Throws
/// DataError for texts that the tokenizer cannot take or learn from.
ChosenTokenizer tokenizer_of(const PrepareOptions& options, const ChosenTokenizer& given, const DocumentRule& documents,
                             const std::vector<std::filesystem::path>& texts, const Survey& survey,
                             const PartStore& store);

/// The rule for documents that `options` ask for. Throws Error with ExitCode::Usage where they ask for an end token and
/// `has_end_token` is not Yes.
enum class HasEndToken { No, Yes };
DocumentRule documents_of(const PrepareOptions& options, HasEndToken has_end_token);

}  // namespace isobath
