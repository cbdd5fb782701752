#include "data/sentencepiece/sentencepiece.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

[[noreturn]] void refuse() {
  throw BackendError(
      "this isobath was built without SentencePiece; install libsentencepiece-dev, configure with "
      "ISOBATH_SENTENCEPIECE=ON "
      "and build again, or use the tokenizer bpe");
}

}  // namespace

std::shared_ptr<const Tokenizer> sentencepiece_tokenizer(const std::string&, const std::string&) { refuse(); }
std::string train_sentencepiece(const TrainingTexts&, std::int64_t) { refuse(); }

}  // namespace isobath
