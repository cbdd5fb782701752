#include "data/sentencepiece/sentencepiece.hpp"

#include <unordered_map>
#include <utility>

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include "data/text/utf8.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

constexpr std::size_t kLongestSentence = 4192;  // bytes; what the trainer takes by default

class Model : public Tokenizer {
 public:
  Model(const std::string& model, const std::string& where) {
    const auto status = processor_.LoadFromSerializedProto(model);
    if (model.empty() || !status.ok())
      throw DataError(text(where, ": is no SentencePiece model: ", status.ToString(), "; name a .model file"));
  }

  TokenizerKind kind() const override { return TokenizerKind::SentencePiece; }
  std::int64_t vocabulary() const override { return processor_.GetPieceSize(); }
  std::unique_ptr<StreamEncoder> stream(std::string where) const override {
    return std::make_unique<Stream>(processor_, std::move(where));
  }
  std::optional<std::int32_t> end_token() const override {
    return processor_.eos_id() < 0 ? std::nullopt : std::optional(processor_.eos_id());
  }
  TextCuts cuts() const override { return TextCuts::Never; }

  std::string decode(std::span<const std::int32_t> tokens) const override {
    std::string out;
    std::vector<int> run;
    const auto flush = [&] {
      if (!run.empty()) out += processor_.DecodeIds(run);
      run.clear();
    };
    for (const std::int32_t token : tokens) {
      if (token >= 0 && token < vocabulary()) {
        run.push_back(token);
        continue;
      }
      flush();
      append_utf8(kReplacementCharacter, out);
    }
    flush();
    return out;
  }

 private:
  // The model looks at a document as a whole.
  class Stream : public StreamEncoder {
   public:
    Stream(const sentencepiece::SentencePieceProcessor& processor, std::string where)
        : processor_(processor), where_(std::move(where)) {}
    void encode(std::span<const std::byte> block, std::vector<std::int32_t>&) override {
      document_.append(reinterpret_cast<const char*>(block.data()), block.size());
    }
    void finish(std::vector<std::int32_t>& out) override {
      std::vector<int> ids;
      const auto status = processor_.Encode(document_, &ids);
      if (!status.ok()) throw DataError(text(where_, ": SentencePiece cannot encode it: ", status.ToString()));
      out.insert(out.end(), ids.begin(), ids.end());
      document_.clear();
    }

   private:
    const sentencepiece::SentencePieceProcessor& processor_;
    std::string where_, document_;
  };

  sentencepiece::SentencePieceProcessor processor_;
};

// Its streams gather lines for the trainer.
class LineGatherer : public Tokenizer {
 public:
  explicit LineGatherer(std::vector<std::string>& lines) : lines_(lines) {}
  TokenizerKind kind() const override { return TokenizerKind::SentencePiece; }
  std::int64_t vocabulary() const override { return 0; }
  std::string decode(std::span<const std::int32_t>) const override { return {}; }
  std::unique_ptr<StreamEncoder> stream(std::string) const override { return std::make_unique<Stream>(lines_); }

 private:
  class Stream : public StreamEncoder {
   public:
    explicit Stream(std::vector<std::string>& lines) : lines_(lines) {}
    void encode(std::span<const std::byte> block, std::vector<std::int32_t>&) override {
      for (const std::byte byte : block) {
        line_ += static_cast<char>(byte);
        if (byte == std::byte{'\n'} || line_.size() >= kLongestSentence) take();
      }
    }
    void finish(std::vector<std::int32_t>&) override { take(); }

   private:
    void take() {
      if (!line_.empty()) lines_.push_back(std::exchange(line_, {}));
    }
    std::vector<std::string>& lines_;
    std::string line_;
  };
  std::vector<std::string>& lines_;
};

class Lines : public sentencepiece::SentenceIterator {
 public:
  explicit Lines(const std::vector<std::string>& lines) : lines_(lines) {}
  bool done() const override { return at_ >= lines_.size(); }
  void Next() override { ++at_; }
  const std::string& value() const override { return lines_[at_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& lines_;
  std::size_t at_ = 0;
};

}  // namespace

std::shared_ptr<const Tokenizer> sentencepiece_tokenizer(const std::string& model, const std::string& where) {
  return std::make_shared<Model>(model, where);
}

std::string train_sentencepiece(const TrainingTexts& corpus, std::int64_t entries) {
  std::vector<std::string> gathered;
  read_documents(corpus, LineGatherer(gathered));
  Lines lines(gathered);
  // One thread: the sums of its estimates depend on how the sentences are divided. Nothing is rewritten, so that text
  // comes back as it was.
  const std::unordered_map<std::string, std::string> arguments{{"model_type", "unigram"},
                                                               {"vocab_size", std::to_string(entries)},
                                                               {"hard_vocab_limit", "false"},
                                                               {"byte_fallback", "true"},
                                                               {"normalization_rule_name", "identity"},
                                                               {"add_dummy_prefix", "false"},
                                                               {"remove_extra_whitespaces", "false"},
                                                               {"split_digits", "true"},
                                                               {"num_threads", "1"},
                                                               {"input_sentence_size", "1000000"},
                                                               {"shuffle_input_sentence", "false"},
                                                               {"unk_id", "0"},
                                                               {"bos_id", "-1"},
                                                               {"eos_id", "1"},
                                                               {"pad_id", "-1"},
                                                               {"minloglevel", "2"}};
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(arguments, &lines, &model);
  if (!status.ok())
    throw DataError(text("SentencePiece cannot learn ", entries, " entries from the texts: ", status.ToString(),
                         "; ask for another number, or use the tokenizer bpe"));
  return model;
}

}  // namespace isobath
