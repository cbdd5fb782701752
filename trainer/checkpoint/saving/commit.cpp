#include "trainer/checkpoint/saving/commit.hpp"

#include "ops/core/files/durable.hpp"
#include "trainer/checkpoint/hdf5_virtual.hpp"
#include "trainer/checkpoint/manifest/text.hpp"
#include "trainer/checkpoint/storage/observer.hpp"
#include "trainer/checkpoint/storage/step_directory.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> tidy_up(const fs::path& root, const fs::path& directory, const Manifest& manifest) {
  std::vector<std::string> problems;
  try {
    write_virtual_file(directory, manifest);
  } catch (const StorageError& error) {
    problems.push_back(text(directory.string(), " is whole, but has no file for other tools: ", error.what()));
  }
  try {
    write_durably(root / kLatestName, directory.filename().string() + "\n");
  } catch (const StorageError& error) {
    problems.push_back(
        text(directory.string(), " is whole, but the hint for people is not up to date: ", error.what()));
  }
  if (const auto replaced = replaced_directory(root, manifest.state.step))
    if (auto problem = remove_step_directory(*replaced)) problems.push_back(std::move(*problem));
  return problems;
}

}  // namespace

std::vector<std::string> commit(const fs::path& root, const Manifest& manifest) {
  const fs::path directory = root / step_name(manifest.state.step);
  reached(CheckpointPoint::BeforeManifest);
  write_temporary(directory / kManifestName, encode(manifest));
  reached(CheckpointPoint::ManifestTemporary);
  publish(directory / kManifestName);
  reached(CheckpointPoint::ManifestDone);
  return tidy_up(root, directory, manifest);
}

}  // namespace isobath
