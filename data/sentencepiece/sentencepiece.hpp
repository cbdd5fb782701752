#pragma once
// SentencePiece models, by its library. A build without it links no_sentencepiece.cpp, whose functions throw.

#include <memory>
#include <string>

#include "data/text/tokenizer.hpp"
#include "data/training/train_tokenizer.hpp"

namespace isobath {

inline constexpr const char* kSentencePieceFile = "sentencepiece.model";

/// The tokenizer of a .model file's content. The model's own rules decide whether white space survives, and bytes that
/// are no UTF-8 become U+FFFD. The end token is the model's </s>. `where` names the model in errors. Throws DataError
/// for what is no model, and BackendError in a build without the library.
std::shared_ptr<const Tokenizer> sentencepiece_tokenizer(const std::string& model, const std::string& where);

/// A .model file of `entries` pieces: unigram, with bytes for unknown characters, text taken as it is. The same texts
/// make the same model. Throws DataError where the texts do not give as many pieces, BackendError as above.
std::string train_sentencepiece(const TrainingTexts& corpus, std::int64_t entries);

}  // namespace isobath
