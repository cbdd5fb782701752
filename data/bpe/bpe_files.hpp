#pragma once
// Byte-level BPE vocabularies in the two public forms: tokenizer.json of Hugging Face, and GPT-2's pair of vocab.bpe
// (merges) and encoder.json (numbers).

#include <filesystem>
#include <string>

#include "data/bpe/bpe_vocabulary.hpp"

namespace isobath {

inline constexpr const char* kBpeFile = "tokenizer.json";

/// `path`: a tokenizer.json; or a vocab.bpe or merges.txt beside an encoder.json or vocab.json; or a folder with one of
/// these. Throws DataError: nothing of the kind, damaged, or a tokenizer that is no byte-level BPE without normaliser.
BpeVocabulary read_bpe_vocabulary(const std::filesystem::path& path);

/// What tokenizer.json holds. Throws DataError, naming `where`.
BpeVocabulary parse_tokenizer_json(const std::string& json, const std::string& where);

/// GPT-2's files. The end token is the one of encoder.json that no merge makes. Throws DataError.
BpeVocabulary parse_gpt2_files(const std::string& merges, const std::string& encoder, const std::string& where);

/// A tokenizer.json; the same text for the same vocabulary, whatever file that came from.
std::string to_tokenizer_json(const BpeVocabulary& vocabulary);

/// Of that text.
Fingerprint fingerprint_of(const BpeVocabulary& vocabulary);

}  // namespace isobath
