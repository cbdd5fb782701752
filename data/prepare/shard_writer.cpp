#include "data/prepare/shard_writer.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <utility>

#include "ops/core/error.hpp"
#include "ops/core/files/durable.hpp"

namespace isobath {
namespace {

constexpr const char* kPrefix = "tokens-";
constexpr const char* kSuffix = ".tok";

}  // namespace

void refuse_changed_texts() {
  throw DataError(
      "the texts changed while they were read: the second pass found others than the first; prepare again when nothing "
      "writes to them");
}

ShardWriter::ShardWriter(std::filesystem::path folder, const DatasetManifest& plan)
    : folder_(std::move(folder)), plan_(plan) {}

std::string ShardWriter::next_name() const {
  const std::int64_t count = (plan_.tokens + plan_.shard_tokens - 1) / plan_.shard_tokens;
  std::ostringstream name;
  name << std::setfill('0') << kPrefix << std::setw(5) << done_.size() << "-of-" << std::setw(5) << count << kSuffix;
  return name.str();
}

void ShardWriter::append(std::span<const std::int32_t> tokens) {
  if (static_cast<std::int64_t>(tokens.size()) > plan_.tokens - written_) refuse_changed_texts();
  while (!tokens.empty()) {
    if (!current_) current_.emplace(folder_ / next_name(), plan_.tokenizer, plan_.vocabulary);
    const auto room = static_cast<std::size_t>(plan_.shard_tokens - current_->count());
    const auto part = tokens.first(std::min(room, tokens.size()));
    current_->append(part);
    written_ += static_cast<std::int64_t>(part.size());
    tokens = tokens.subspan(part.size());
    if (current_->count() == plan_.shard_tokens) close_shard();
  }
}

std::vector<DatasetManifest::Shard> ShardWriter::finish() {
  if (written_ != plan_.tokens) refuse_changed_texts();
  if (current_) close_shard();
  return std::move(done_);
}

void ShardWriter::close_shard() {
  std::string name = next_name();
  const TokenHeader header = current_->finish();
  current_.reset();
  done_.push_back({std::move(name), {header.count, header.fingerprint}});
}

void remove_stale_shards(const std::filesystem::path& folder, const std::vector<DatasetManifest::Shard>& keep) {
  std::error_code problem;
  std::vector<std::filesystem::path> stale;
  for (const auto& entry : std::filesystem::directory_iterator(folder, problem)) {
    const std::string name = entry.path().filename().string();
    const bool kept = std::any_of(keep.begin(), keep.end(), [&](const auto& shard) { return shard.name == name; });
    const bool ours =
        name.starts_with(kPrefix) && (name.ends_with(kSuffix) || name.ends_with(temporary_name(kSuffix).string()));
    if (ours && !kept) stale.push_back(entry.path());
  }
  for (const auto& path : stale)
    if (!problem) std::filesystem::remove(path, problem);
  if (problem) throw StorageError(text(folder.string(), ": old token shards cannot be removed: ", problem.message()));
}

}  // namespace isobath
