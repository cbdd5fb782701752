#include <algorithm>

#include "data/documents/document_encoder.hpp"
#include "data/documents/text_files.hpp"
#include "data/prepare/survey.hpp"
#include "data/training/train_tokenizer.hpp"

namespace isobath {
namespace {

constexpr std::int64_t kMostBytes = std::int64_t{512} << 20;

}  // namespace

void read_documents(const TrainingTexts& corpus, const Tokenizer& reader) {
  std::int64_t bytes = 0;
  for (const Part& part : corpus.parts) bytes += part.bytes();
  const auto every = static_cast<std::size_t>(std::max<std::int64_t>(1, (bytes + kMostBytes - 1) / kMostBytes));
  DocumentRule rule = corpus.documents;
  rule.end_token = EndTokenPlace::None;
  DocumentEncoder encoder(reader, rule);
  std::vector<std::int32_t> dropped;
  for (std::size_t index = 0; index < corpus.parts.size(); index += every) {
    for (const Stretch& stretch : corpus.parts[index].stretches) {
      const auto& path = corpus.texts[stretch.text];
      encoder.begin(stretch.starts, path.string());
      for_each_block(path, stretch.begin, stretch.end, [&](std::span<const std::byte> block) {
        leave_if_asked();
        encoder.encode(block, dropped);
        dropped.clear();
      });
      encoder.end(stretch.ends, dropped);
      dropped.clear();
    }
  }
}

}  // namespace isobath
