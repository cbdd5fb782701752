#pragma once
// A dataset as the trainer uses it.

#include <cstdint>
#include <memory>

#include "configs/schema/data_config.hpp"
#include "data/dataset_header.hpp"
#include "data/order/split.hpp"
#include "data/text/tokenizer.hpp"

namespace isobath {

struct Dataset {
  TokenSplit train;
  TokenSplit validation;  ///< no segments when there is none
  std::int64_t vocabulary = 0;
  std::shared_ptr<const Tokenizer> tokenizer;  ///< null when tokens cannot be printed
  Fingerprint fingerprint;

  bool has_validation() const { return !validation.segments.empty(); }
};

/// Finds the files of `config.path` and `config.validation_path` and reads their headers. Validation comes from
/// validation_path, else from val files beside the train files, else from held-out blocks. The vocabulary comes from
/// the headers; `config.vocabulary` says it for raw files and overrides llm.c's, and must agree with isobath's own.
/// Throws DataError (see discover_tokens) also where training and validation data do not belong together.
DatasetHeader read_dataset_header(const DataConfig& config);

/// Maps the files of a header, by any rank. Throws DataError when they are not the files described.
Dataset open_dataset(const DatasetHeader& header);

/// Throws DataError, saying tokens, context and remedy, when the training data has no window of `context` + 1 tokens,
/// or the split no validation block. Opens nothing.
void check_context(const DatasetHeader& header, std::int64_t context);

/// Throws DataError when the dataset does not go with a model of `model_vocabulary` entries: naming the first token
/// that is too large and its place, or, if all happen to fit, the vocabularies. Reads every token.
void check_vocabulary(const Dataset& dataset, std::int64_t model_vocabulary);

}  // namespace isobath
