#include "trainer/checkpoint/catalog/find.hpp"

#include "trainer/checkpoint/storage/step_directory.hpp"
#include "trainer/checkpoint/together.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> reason_to_skip(const StepDirectory& found, VerifyLevel level) {
  if (auto damage = damage_of(found.path, level)) return damage;
  const std::int64_t step = read_manifest(found.path).state.step;
  if (step != found.step) return text("holds step ", step, ", which its name does not say");
  return std::nullopt;
}

// Paths and reasons, each ended by a NUL, which neither holds.
std::string pack(const LatestCheckpoint& latest) {
  std::string packed = latest.directory.value_or(fs::path()).string() + '\0';
  for (const auto& [directory, reason] : latest.skipped) packed += directory.string() + '\0' + reason + '\0';
  return packed;
}

LatestCheckpoint unpack(const std::string& packed) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < packed.size();) {
    const auto end = packed.find('\0', at);
    parts.push_back(packed.substr(at, end - at));
    at = end + 1;
  }
  LatestCheckpoint latest;
  if (!parts[0].empty()) latest.directory = parts[0];
  for (std::size_t i = 1; i + 1 < parts.size(); i += 2) latest.skipped.push_back({parts[i], parts[i + 1]});
  return latest;
}

}  // namespace

LatestCheckpoint find_latest(const fs::path& root, VerifyLevel level) {
  LatestCheckpoint latest;
  for (const StepDirectory& found : step_directories(root)) {
    if (auto reason = reason_to_skip(found, level)) {
      latest.skipped.push_back({found.path, std::move(*reason)});
      continue;
    }
    latest.directory = found.path;
    break;
  }
  return latest;
}

LatestCheckpoint find_latest(const fs::path& root, VerifyLevel level, Communicator& ranks) {
  const auto answers = together(ranks, "looking for a checkpoint",
                                [&] { return ranks.rank() == 0 ? pack(find_latest(root, level)) : std::string(); });
  return unpack(answers[0]);
}

}  // namespace isobath
