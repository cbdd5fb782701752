#include <cmath>
#include <limits>

#include "ops/core/files/json.hpp"
#include "trainer/checkpoint/manifest/text.hpp"

namespace isobath {
namespace {

using Json = nlohmann::json;

/// A JSON value that knows its path, so that every complaint names the field.
class Field {
 public:
  Field(const Json& value, std::string path, const std::string& where)
      : value_(&value), path_(std::move(path)), where_(&where) {}

  Field operator[](const char* key) const {
    if (!value_->is_object()) fail("an object");
    const auto found = value_->find(key);
    if (found == value_->end())
      throw StorageError(text(*where_, ": field '", path_, '/', key, "' is missing; the checkpoint cannot be used"));
    return {*found, path_ + '/' + key, *where_};
  }

  std::vector<Field> items() const {
    if (!value_->is_array()) fail("a list");
    std::vector<Field> items;
    for (std::size_t i = 0; i < value_->size(); ++i) items.push_back({(*value_)[i], text(path_, '/', i), *where_});
    return items;
  }

  std::vector<std::pair<std::string, Field>> members() const {
    if (!value_->is_object()) fail("an object");
    std::vector<std::pair<std::string, Field>> members;
    for (const auto& [key, value] : value_->items())
      members.emplace_back(key, Field(value, path_ + '/' + key, *where_));
    return members;
  }

  std::int64_t integer(std::int64_t low = 0, std::int64_t high = std::numeric_limits<std::int64_t>::max()) const {
    if (value_->is_number_unsigned() && value_->get<std::uint64_t>() > std::uint64_t{1} << 62)
      fail("a smaller integer");
    if (!value_->is_number_integer()) fail("an integer");
    const auto number = value_->get<std::int64_t>();
    if (number < low || number > high) fail(text("an integer in [", low, ", ", high, ']').c_str());
    return number;
  }

  std::uint64_t word() const {
    if (!value_->is_number_unsigned()) fail("an unsigned integer");
    return value_->get<std::uint64_t>();
  }

  double real() const {
    if (value_->is_number()) return value_->get<double>();
    if (*value_ == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (*value_ == "inf") return std::numeric_limits<double>::infinity();
    if (*value_ != "-inf") fail("a number, \"nan\", \"inf\" or \"-inf\"");
    return -std::numeric_limits<double>::infinity();
  }

  std::optional<double> optional_real() const { return value_->is_null() ? std::nullopt : std::optional(real()); }

  const std::string& string() const {
    if (!value_->is_string()) fail("a string");
    return value_->get_ref<const std::string&>();
  }

  Digest digest() const {
    const auto digest = digest_from_hex(string());
    if (!digest) fail("32 hexadecimal digits");
    return *digest;
  }

  DType dtype() const {
    for (const DType dtype : {DType::F32, DType::BF16, DType::F64, DType::I32, DType::I64})
      if (string() == name_of(dtype)) return dtype;
    fail("f32, bf16, f64, i32 or i64");
  }

  std::string json() const { return value_->dump(-1, ' ', false, Json::error_handler_t::replace); }

  [[noreturn]] void fail(const char* expected) const {
    throw StorageError(text(*where_, ": field '", path_, "': expected ", expected, ", found ", json().substr(0, 80)));
  }

 private:
  const Json* value_;
  std::string path_;
  const std::string* where_;
};

TrainingState decode_state(const Field& field) {
  TrainingState state;
  state.step = field["step"].integer();
  state.tokens = field["tokens"].integer();
  state.samples = field["samples"].integer();
  state.epoch = field["epoch"].integer();
  state.seed = field["seed"].word();
  state.shuffle_seed = field["shuffle_seed"].word();
  state.rng_before = field["rng_before"].word();
  state.rng_after = field["rng_after"].word();
  state.schedule_step = field["schedule_step"].integer();
  state.learning_rate = field["learning_rate"].real();
  state.loss_scale = field["loss_scale"].optional_real();
  state.config_text = field["config_text"].string();
  state.config_digest = field["config_digest"].string();
  state.dataset_fingerprint = field["dataset_fingerprint"].string();
  state.metrics_bytes = field["metrics_bytes"].integer();
  for (const auto& [name, value] : field["best"].members()) state.best[name] = value.real();
  state.router_statistics = field["router_statistics"].json();
  state.extra = field["extra"].json();
  return state;
}

FileRecord decode_file(const Field& field) {
  FileRecord file;
  file.name = field["name"].string();
  file.bytes = field["bytes"].integer();
  file.metadata = field["metadata_digest"].digest();
  for (const Field& dataset : field["datasets"].items())
    file.datasets.push_back({dataset["name"].dtype(), dataset["count"].integer(), dataset["address"].integer()});
  return file;
}

Shape decode_shape(const Field& field) {
  std::vector<std::int64_t> extents;
  for (const Field& extent : field.items()) extents.push_back(extent.integer());
  if (extents.size() > Shape::kMaxRank) field.fail("at most 4 extents");
  // Each extent and the product of those that are not 0 stay below 2^56, so that no later sum or byte count overflows.
  double product = 1;
  for (const std::int64_t extent : extents) product *= static_cast<double>(std::max<std::int64_t>(extent, 1));
  if (product > 0x1p56) field.fail("fewer than 2^56 elements");
  return shape_of(extents);
}

TensorRecord decode_tensor(const Field& field, const std::map<std::string, int>& files) {
  TensorRecord tensor;
  tensor.name = field["name"].string();
  tensor.dtype = field["dtype"].dtype();
  tensor.shape = decode_shape(field["shape"]);
  for (const Field& item : field["pieces"].items()) {
    const auto file = files.find(item["file"].string());
    if (file == files.end()) item["file"].fail("a file of this checkpoint");
    tensor.pieces.push_back({item["begin"].integer(), item["end"].integer(), file->second, item["offset"].integer(),
                             item["digest"].digest()});
  }
  return tensor;
}

Json parse(std::string_view manifest, const std::string& where) {
  if (nesting_depth(manifest) > kMaxJsonDepth) throw StorageError(where + ": nested too deep to be a manifest");
  Json root = Json::parse(manifest, nullptr, false);
  if (root.is_discarded()) throw StorageError(where + ": not JSON; the manifest is damaged");
  return root;
}

/// The version is looked at before the seal: a later version may seal its manifest in another way.
void check_origin(const Field& root, std::string_view manifest, const std::string& where) {
  if (root["format"].string() != "isobath checkpoint") root["format"].fail("\"isobath checkpoint\"");
  const std::int64_t version = root["version"].integer();
  if (version > kManifestVersion)
    throw StorageError(text(where, ": format version ", version, ", this isobath reads up to ", kManifestVersion,
                            "; use the isobath that wrote it, or a newer one"));
  root["version"].integer(kManifestVersion, kManifestVersion);
  if (!seal_holds(manifest))
    throw StorageError(where + ": the text does not match its own digest: damaged, or changed after it was written");
}

}  // namespace

Manifest decode(std::string_view manifest, const std::string& where) {
  const Json json = parse(manifest, where);
  const Field root(json, "", where);
  check_origin(root, manifest, where);

  Manifest out;
  out.isobath_version = root["isobath"].string();
  out.world_size = static_cast<int>(root["world_size"].integer(1, 99999));
  out.state = decode_state(root["state"]);
  std::map<std::string, int> files;
  for (const Field& file : root["files"].items()) {
    out.files.push_back(decode_file(file));
    files[out.files.back().name] = static_cast<int>(out.files.size()) - 1;
  }
  for (const Field& tensor : root["tensors"].items()) out.tensors.push_back(decode_tensor(tensor, files));
  validate(out, where);
  return out;
}

}  // namespace isobath
