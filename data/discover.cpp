#include "data/discover.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "data/files/mapped_file.hpp"
#include "data/prepare/dataset_manifest.hpp"
#include "data/tokens/llmc_header.hpp"
#include "data/tokens/megatron_index.hpp"
#include "data/tokens/token_header.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTrain = "train", kValidation = "val", kBin = ".bin";

bool has_megatron_index(const fs::path& bin) {
  std::error_code unknown;  // what cannot be looked at is reported by opening it
  return fs::is_regular_file(megatron_index_of(bin), unknown) &&
         has_megatron_magic(MappedFile(megatron_index_of(bin)).bytes());
}

// PREFIX.bin for PREFIX.idx, and for the PREFIX that Megatron's own tools are given.
fs::path resolve_megatron(const fs::path& path) {
  if (path.extension() == ".idx") return fs::path(path).replace_extension(kBin);
  std::error_code unknown;
  const fs::path bin = path.string() + std::string(kBin);
  return !fs::exists(path, unknown) && has_megatron_index(bin) ? bin : path;
}

TokenFormat format_of(const fs::path& path, DataFormat wanted) {
  if (wanted == DataFormat::Isobath) return TokenFormat::Shard;
  if (wanted == DataFormat::Llmc) return TokenFormat::LlmC;
  if (wanted == DataFormat::Nanogpt) return TokenFormat::Raw;
  if (wanted == DataFormat::Megatron) return TokenFormat::Megatron;
  const MappedFile file(path);
  if (file.bytes().empty()) throw DataError(text(path.string(), ": is empty; name a file that holds tokens"));
  if (has_token_magic(file.bytes()) || path.extension() == ".tok") return TokenFormat::Shard;
  if (has_llmc_magic(file.bytes())) return TokenFormat::LlmC;
  if (path.extension() == kBin) return has_megatron_index(path) ? TokenFormat::Megatron : TokenFormat::Raw;
  throw DataError(
      text(path.string(), ": is no token file; turn a text into one with: isobath prepare ", path.string()));
}

std::vector<TokenFileInfo> read_headers(const std::vector<fs::path>& paths, DataFormat format) {
  std::vector<TokenFileInfo> out;
  for (const fs::path& path : paths) out.push_back(TokenFile::read(path, format_of(path, format)).info());
  return out;
}

// "NAME_" of NAME_train*.bin; nothing for a name that is not of this form. `role` stands at the start or after a sign.
std::optional<std::string> name_before(const std::string& file, std::string_view role) {
  if (!file.ends_with(kBin)) return std::nullopt;
  const std::size_t at = file.rfind(role);
  if (at == std::string::npos) return std::nullopt;
  if (at > 0 && std::isalnum(static_cast<unsigned char>(file[at - 1]))) return std::nullopt;
  return file.substr(0, at);
}

// Sorted, so that numbered shards come in order on every file system.
std::vector<fs::path> files_of_role(const fs::path& folder, std::string_view role) {
  std::vector<fs::path> out;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem))
    if (name_before(entry.path().filename().string(), role)) out.push_back(entry.path());
  if (problem) throw DataError(text(folder.string(), ": cannot be listed: ", problem.message()));
  std::sort(out.begin(), out.end());
  return out;
}

TokenSource folder_of_bins(const fs::path& folder, DataFormat format) {
  const auto train = files_of_role(folder, kTrain);
  auto validation = files_of_role(folder, kValidation);
  std::set<std::string> names;
  for (const fs::path& path : train) names.insert(*name_before(path.filename().string(), kTrain));
  if (names.empty())
    throw DataError(text(folder.string(), ": holds neither ", kManifestFile,
                         " nor *train*.bin; an interrupted isobath ",
                         "prepare is finished by running it again, other token files are named one by one"));
  if (names.size() > 1)
    throw DataError(text(folder.string(), ": holds several datasets, ", *names.begin(), "train*.bin and ",
                         *names.rbegin(), "train*.bin among them; name one file, or give each a folder"));
  std::erase_if(validation, [&](const fs::path& path) {
    return *name_before(path.filename().string(), kValidation) != *names.begin();
  });
  return {read_headers(train, format), read_headers(validation, format), {}};
}

TokenSource prepared_folder(const fs::path& folder) {
  const DatasetManifest manifest = DatasetManifest::read(folder);
  TokenSource out;
  out.data = read_vocabulary(manifest, folder);
  for (const TokenFile& file : open_shards(manifest, folder)) out.files.push_back(file.info());
  return out;
}

TokenSource single_file(const fs::path& path, DataFormat format) {
  TokenSource out;
  out.files = read_headers({path}, format);
  const std::string file = path.filename().string();
  const auto name = name_before(file, kTrain);
  if (!name) return out;
  const fs::path beside =
      path.parent_path() / (*name + std::string(kValidation) + file.substr(name->size() + kTrain.size()));
  std::error_code unknown;  // what cannot be looked at is not there; opening `path` itself says why
  if (fs::exists(beside, unknown)) out.validation = read_headers({beside}, format);
  return out;
}

}  // namespace

TokenSource discover_tokens(const fs::path& path, DataFormat format) {
  // Absolute: a rank may have been started in another folder.
  const fs::path whole = fs::absolute(path).lexically_normal();
  std::error_code unknown;  // opening the path says what is wrong with it
  if (whole.filename() == kManifestFile) return prepared_folder(whole.parent_path());
  if (!fs::is_directory(whole, unknown)) return single_file(resolve_megatron(whole), format);
  const bool bins = format == DataFormat::Llmc || format == DataFormat::Nanogpt || format == DataFormat::Megatron;
  if (!bins && (fs::exists(whole / kManifestFile, unknown) || format == DataFormat::Isobath))
    return prepared_folder(whole);
  return folder_of_bins(whole, format);
}

}  // namespace isobath
