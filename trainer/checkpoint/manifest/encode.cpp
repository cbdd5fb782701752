#include <cmath>

#include "ops/core/files/json.hpp"
#include "trainer/checkpoint/manifest/text.hpp"

namespace isobath {
namespace {

using Json = nlohmann::json;

/// JSON has no infinities and no NaN: they become strings.
Json real(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

Json free_section(const std::string& content, const char* name) {
  if (nesting_depth(content) > kMaxJsonDepth)
    throw StorageError(text("state to save: '", name, "' is nested too deep"));
  Json parsed = Json::parse(content, nullptr, false);
  if (parsed.is_discarded()) throw StorageError(text("state to save: '", name, "' is not JSON: ", content));
  return parsed;
}

Json encode_state(const TrainingState& state) {
  Json best = Json::object();
  for (const auto& [name, value] : state.best) best[name] = real(value);
  return {{"step", state.step},
          {"tokens", state.tokens},
          {"samples", state.samples},
          {"epoch", state.epoch},
          {"seed", state.seed},
          {"shuffle_seed", state.shuffle_seed},
          {"rng_before", state.rng_before},
          {"rng_after", state.rng_after},
          {"schedule_step", state.schedule_step},
          {"learning_rate", real(state.learning_rate)},
          {"loss_scale", state.loss_scale ? real(*state.loss_scale) : Json(nullptr)},
          {"config_text", state.config_text},
          {"config_digest", state.config_digest},
          {"dataset_fingerprint", state.dataset_fingerprint},
          {"metrics_bytes", state.metrics_bytes},
          {"best", std::move(best)},
          {"router_statistics", free_section(state.router_statistics, "router_statistics")},
          {"extra", free_section(state.extra, "extra")}};
}

Json encode_file(const FileRecord& file) {
  Json datasets = Json::array();
  for (const DatasetRecord& dataset : file.datasets)
    datasets.push_back({{"name", name_of(dataset.dtype)}, {"count", dataset.count}, {"address", dataset.address}});
  return {{"name", file.name},
          {"bytes", file.bytes},
          {"metadata_digest", to_hex(file.metadata)},
          {"datasets", std::move(datasets)}};
}

Json encode_tensor(const TensorRecord& tensor, const std::vector<FileRecord>& files) {
  Json shape = Json::array(), pieces = Json::array();
  for (int dim = 0; dim < tensor.shape.rank(); ++dim) shape.push_back(tensor.shape[dim]);
  for (const Piece& piece : tensor.pieces)
    pieces.push_back({{"begin", piece.begin},
                      {"end", piece.end},
                      {"file", files.at(static_cast<std::size_t>(piece.file)).name},
                      {"offset", piece.offset},
                      {"digest", to_hex(piece.digest)}});
  return {{"name", tensor.name},
          {"dtype", name_of(tensor.dtype)},
          {"shape", std::move(shape)},
          {"pieces", std::move(pieces)}};
}

}  // namespace

std::string encode(const Manifest& manifest) {
  Json files = Json::array(), tensors = Json::array();
  for (const FileRecord& file : manifest.files) files.push_back(encode_file(file));
  for (const TensorRecord& tensor : manifest.tensors) tensors.push_back(encode_tensor(tensor, manifest.files));
  const Json body = {{"format", "isobath checkpoint"},        {"version", kManifestVersion},
                     {"isobath", manifest.isobath_version},   {"world_size", manifest.world_size},
                     {"state", encode_state(manifest.state)}, {"files", std::move(files)},
                     {"tensors", std::move(tensors)}};
  try {
    return seal(body.dump(1) + "\n");
  } catch (const Json::exception& error) {
    throw StorageError(text("state to save: a string is not UTF-8: ", error.what()));
  }
}

}  // namespace isobath
