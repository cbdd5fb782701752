#include "trainer/checkpoint/storage/step_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <iomanip>

#include "ops/core/error.hpp"
#include "ops/core/files/durable.hpp"
#include "trainer/checkpoint/hdf5_virtual.hpp"
#include "trainer/checkpoint/storage/free_space.hpp"
#include "trainer/checkpoint/storage/observer.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStep = "step-", kReplaced = ".replaced";

/// Whether `name` is `pattern`, in which a # stands for any digit.
bool fits(std::string_view name, std::string_view pattern) {
  return std::ranges::equal(name, pattern, [](char letter, char wanted) {
    return wanted == '#' ? letter >= '0' && letter <= '9' : letter == wanted;
  });
}

/// Cuts `end` off `name` if it ends so, and says whether it did.
bool cut(std::string_view& name, std::string_view end) {
  if (!name.ends_with(end)) return false;
  name.remove_suffix(end.size());
  return true;
}

bool is_ours(std::string_view name) {
  cut(name, ".tmp");
  return name == kManifestName || name == kVirtualName || fits(name, "shard-#####-of-#####.h5");
}

std::optional<StepDirectory> recognise(const fs::path& path) {
  const std::string whole = path.filename().string();
  std::string_view name = whole;
  const bool replaced = cut(name, kReplaced);
  // Eight digits or, for very long runs, more; eighteen fit the integer.
  const auto digits = name.substr(std::min(name.size(), kStep.size()));
  if (!name.starts_with(kStep) || digits.size() < 8 || digits.size() > 18 ||
      !fits(digits, std::string(digits.size(), '#')))
    return std::nullopt;
  return StepDirectory{path, std::stoll(std::string(digits)), replaced};
}

/// Names in the directory, sorted.
std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

void put_aside(const fs::path& directory) {
  const fs::path aside = directory.string() + std::string(kReplaced);
  if (fs::exists(aside))
    if (const auto problem = remove_step_directory(aside)) throw StorageError(*problem);
  fs::rename(directory, aside);
  sync_directory(directory.parent_path());
}

}  // namespace

std::string step_name(std::int64_t step) {
  std::ostringstream name;
  name << kStep << std::setfill('0') << std::setw(8) << step;
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
    require_space(directory, bytes, "the checkpoint takes");
  } catch (const fs::filesystem_error& error) {
    throw StorageError(system_failure(error.path1().empty() ? directory : error.path1(), "make the directory ready",
                                      error.code().value()));
  }
  return directory;
}

std::optional<fs::path> replaced_directory(const fs::path& root, std::int64_t step) {
  const fs::path aside = root / (step_name(step) + std::string(kReplaced));
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
