#include "data/parts/encoding_order.hpp"

#include <utility>

#include "data/prepare/dataset_manifest.hpp"
#include "data/text/tokenizer_data.hpp"
#include "ops/core/error.hpp"
#include "ops/core/files/json.hpp"

namespace isobath {
namespace {

constexpr const char* kWhere = "the order to encode";

// A path may be any bytes, and text in JSON may not.
std::vector<std::uint8_t> bytes_of(const std::string& name) { return {name.begin(), name.end()}; }

std::string name_of_bytes(const nlohmann::json& json) {
  const auto bytes = json.get<std::vector<std::uint8_t>>();
  return {bytes.begin(), bytes.end()};
}

nlohmann::json json_of(const Part& part) {
  nlohmann::json stretches;
  for (const Stretch& s : part.stretches)
    stretches.push_back({s.text, s.begin, s.end, static_cast<int>(s.starts), static_cast<int>(s.ends)});
  return {part.content.hex(), std::move(stretches)};
}

Part part_of(const nlohmann::json& json) {
  Part part;
  part.content = Fingerprint::from_hex(json.at(0).get<std::string>(), kWhere);
  for (const auto& s : json.at(1))
    part.stretches.push_back({s.at(0).get<std::size_t>(), s.at(1).get<std::int64_t>(), s.at(2).get<std::int64_t>(),
                              static_cast<StretchEdge>(s.at(3).get<int>()),
                              static_cast<StretchEdge>(s.at(4).get<int>())});
  return part;
}

std::shared_ptr<const Tokenizer> tokenizer_in(const std::filesystem::path& folder, TokenizerKind kind,
                                              const Fingerprint& vocabulary) {
  DatasetManifest manifest;
  manifest.tokenizer = kind;
  manifest.vocabulary_fingerprint = vocabulary;
  return make_tokenizer(kind, read_vocabulary(manifest, folder));
}

}  // namespace

std::string to_order(const EncodingJob& job) {
  nlohmann::json order;
  for (const auto& path : job.texts) order["texts"].push_back(bytes_of(path.native()));
  for (const Part& part : job.parts) order["parts"].push_back(json_of(part));
  order["documents"] = {static_cast<int>(job.documents.unit), bytes_of(job.documents.field),
                        static_cast<int>(job.documents.end_token)};
  order["output"] = bytes_of(job.store.output().native());
  order["plan"] = job.store.plan();
  order["tokenizer"] = static_cast<std::uint32_t>(job.tokenizer.kind());
  order["vocabulary"] = job.vocabulary.hex();
  return order.dump();
}

OrderedJob::OrderedJob(const std::string& text_of_order) : store_({}) {
  const nlohmann::json order = nlohmann::json::parse(text_of_order);
  for (const auto& path : order.at("texts")) texts_.emplace_back(name_of_bytes(path));
  for (const auto& part : order.at("parts")) parts_.push_back(part_of(part));
  const auto& documents = order.at("documents");
  documents_ = {static_cast<DocumentUnit>(documents.at(0).get<int>()), name_of_bytes(documents.at(1)),
                static_cast<EndTokenPlace>(documents.at(2).get<int>())};
  const std::filesystem::path output = name_of_bytes(order.at("output"));
  store_ = PartStore(output);
  if (store_.plan() != order.at("plan").get<std::string>())
    throw StorageError(text(output.string(),
                            ": is not the folder that rank 0 writes to; prepare on ranks needs an output folder, and "
                            "texts, that every rank sees under the same name"));
  vocabulary_ = Fingerprint::from_hex(order.at("vocabulary").get<std::string>(), kWhere);
  const auto kind = static_cast<TokenizerKind>(order.at("tokenizer").get<std::uint32_t>());
  tokenizer_ = tokenizer_in(output, kind, vocabulary_);
}

EncodingJob OrderedJob::job() const {
  return {.texts = texts_,
          .parts = parts_,
          .tokenizer = *tokenizer_,
          .documents = documents_,
          .store = store_,
          .vocabulary = vocabulary_};
}

}  // namespace isobath
