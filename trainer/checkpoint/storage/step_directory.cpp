#include "trainer/checkpoint/storage/step_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <iomanip>
#include <regex>

#include <sys/statvfs.h>

#include "ops/core/error.hpp"
#include "trainer/checkpoint/storage/durable.hpp"
#include "trainer/checkpoint/storage/observer.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReplaced = ".replaced";

bool is_ours(const std::string& name) {
  static const std::regex pattern(R"(shard-\d{5}-of-\d{5}\.h5(\.tmp)?|manifest\.json(\.tmp)?)");
  return std::regex_match(name, pattern);
}

std::optional<StepDirectory> recognise(const fs::path& path) {
  static const std::regex pattern(R"(step-(\d{8,18})(\.replaced)?)");
  std::smatch match;
  const std::string name = path.filename().string();
  if (!std::regex_match(name, match, pattern)) return std::nullopt;
  return StepDirectory{path, std::stoll(match[1].str()), match[2].matched};
}

/// Names in the directory, sorted.
std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

void require_space(const fs::path& directory, std::int64_t bytes) {
  struct statvfs status {};
  if (statvfs(directory.c_str(), &status) != 0) throw StorageError(system_failure(directory, "look at it", errno));
  const auto available = static_cast<std::int64_t>(status.f_bavail) * static_cast<std::int64_t>(status.f_frsize);
  if (status.f_blocks > 0 && available < bytes)  // file systems that do not count report no blocks at all
    throw StorageError(text(directory.string(), ": the checkpoint takes ", bytes, " bytes, ", available,
                            " are free; free some space or lower checkpoint.keep_last"));
}

void put_aside(const fs::path& directory) {
  const fs::path aside = directory.string() + kReplaced;
  if (fs::exists(aside))
    if (const auto problem = remove_step_directory(aside)) throw StorageError(*problem);
  fs::rename(directory, aside);
  sync_directory(directory.parent_path());
}

}  // namespace

std::string step_name(std::int64_t step) {
  std::ostringstream name;
  name << "step-" << std::setfill('0') << std::setw(8) << step;
  return name.str();
}

std::vector<StepDirectory> step_directories(const fs::path& root) try {
  std::vector<StepDirectory> found;
  if (!fs::exists(root)) return found;
  for (const auto& entry : fs::directory_iterator(root))
    if (const auto step = recognise(entry.path()); step && entry.is_directory()) found.push_back(*step);
  std::ranges::sort(found, [](const StepDirectory& a, const StepDirectory& b) {
    return a.step != b.step ? a.step > b.step : a.replaced < b.replaced;
  });
  return found;
} catch (const fs::filesystem_error& error) {
  throw StorageError(system_failure(root, "list the checkpoints", error.code().value()));
}

fs::path prepare_step_directory(const fs::path& root, std::int64_t step, std::int64_t bytes) {
  const fs::path directory = root / step_name(step);
  try {
    const bool new_root = fs::create_directories(root);
    if (new_root && root.has_parent_path()) sync_directory(root.parent_path());
    if (fs::exists(directory / kManifestName)) put_aside(directory);
    fs::create_directory(directory);
    sync_directory(root);
    for (const std::string& name : names_in(directory))
      if (is_ours(name)) fs::remove(directory / name);
    require_space(directory, bytes);
  } catch (const fs::filesystem_error& error) {
    throw StorageError(system_failure(error.path1().empty() ? directory : error.path1(), "make the directory ready",
                                      error.code().value()));
  }
  return directory;
}

std::optional<fs::path> replaced_directory(const fs::path& root, std::int64_t step) {
  const fs::path aside = root / (step_name(step) + kReplaced);
  return fs::exists(aside) ? std::optional(aside) : std::nullopt;
}

std::optional<std::string> remove_step_directory(const fs::path& directory) {
  try {
    if (fs::remove(directory / kManifestName)) sync_directory(directory);
    reached(CheckpointPoint::InPruning);
    std::string foreign;
    for (const std::string& name : names_in(directory)) {
      if (is_ours(name))
        fs::remove(directory / name);
      else
        foreign += ' ' + name;
    }
    if (!foreign.empty())
      return text(directory.string(), ": left in place, it holds what isobath did not write:", foreign);
    fs::remove(directory);
    sync_directory(directory.parent_path());
  } catch (const fs::filesystem_error& error) {
    return system_failure(directory, "remove it", error.code().value());
  } catch (const StorageError& error) {
    return error.what();
  }
  return std::nullopt;
}

}  // namespace isobath
