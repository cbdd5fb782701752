// isobath checkpoint list | inspect | verify: looking, nothing is changed.

#include <cstdio>

#include "launcher/checkpoint_commands.hpp"
#include "launcher/units.hpp"
#include "ops/core/files/json.hpp"
#include "trainer/checkpoint/catalog/verify.hpp"
#include "trainer/checkpoint/storage/step_directory.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

void print_json(const Manifest& manifest) {
  ordered_json out{{"format_version", kManifestVersion},
                   {"isobath", manifest.isobath_version},
                   {"world_size", manifest.world_size},
                   {"step", manifest.state.step},
                   {"tokens", manifest.state.tokens},
                   {"samples", manifest.state.samples},
                   {"dataset", manifest.state.dataset_fingerprint},
                   {"bytes", payload_bytes(manifest)}};
  for (const TensorRecord& tensor : manifest.tensors)
    out["tensors"].push_back({{"name", tensor.name}, {"dtype", name_of(tensor.dtype)}, {"shape", text(tensor.shape)}});
  std::printf("%s\n", out.dump().c_str());
}

void print_table(const Manifest& manifest) {
  const TrainingState& state = manifest.state;
  std::printf("step %lld, %lld tokens, next sample %lld; written by isobath %s on %d rank%s\n",
              static_cast<long long>(state.step), static_cast<long long>(state.tokens),
              static_cast<long long>(state.samples), manifest.isobath_version.c_str(), manifest.world_size,
              manifest.world_size == 1 ? "" : "s");
  std::printf("dataset %s, %.1f MiB in %zu files\n", state.dataset_fingerprint.c_str(),
              mebibytes(payload_bytes(manifest)), manifest.files.size());
  for (const TensorRecord& tensor : manifest.tensors)
    std::printf("  %-52s %-5s %s\n", tensor.name.c_str(), name_of(tensor.dtype), text(tensor.shape).c_str());
}

/// `directory` itself if checkpoints lie in it, or its folder `checkpoints` if it is a run.
fs::path root_of(const fs::path& directory) {
  const fs::path inside = directory / "checkpoints";
  return fs::is_directory(inside) ? inside : directory;
}

ordered_json describe_one(const StepDirectory& found) {
  ordered_json line{{"directory", found.path.string()}, {"step", found.step}};
  try {
    const Manifest manifest = read_manifest(found.path);
    line["tokens"] = manifest.state.tokens;
    line["bytes"] = payload_bytes(manifest);
    line["world_size"] = manifest.world_size;
  } catch (const StorageError&) {
    line["bytes"] = nullptr;  // `problem` says why
  }
  const auto problem = damage_of(found.path, VerifyLevel::Size);
  line["whole"] = !problem;
  line["problem"] = problem ? ordered_json(*problem) : ordered_json(nullptr);
  return line;
}

void print_line(const ordered_json& line) {
  const std::string name = fs::path(line.at("directory").get<std::string>()).filename().string();
  if (line.at("bytes").is_null())
    std::printf("%-24s %10s  %8s  %s\n", name.c_str(), "-", "-", line.at("problem").get<std::string>().c_str());
  else
    std::printf("%-24s %6.1f MiB  %3d ranks  %s\n", name.c_str(), mebibytes(line.at("bytes").get<std::int64_t>()),
                line.at("world_size").get<int>(),
                line.at("whole") ? "whole" : line.at("problem").get<std::string>().c_str());
}

}  // namespace

ExitCode list_checkpoints(const CheckpointArguments& arguments) {
  const fs::path root = root_of(arguments.directory);
  if (!fs::is_directory(root)) throw StorageError(root.string() + ": no such folder; name a run, or its checkpoints");
  ordered_json lines = ordered_json::array();
  for (const StepDirectory& found : step_directories(root)) lines.push_back(describe_one(found));
  if (arguments.as_json) {
    std::printf("%s\n", lines.dump().c_str());
    return ExitCode::Done;
  }
  for (const ordered_json& line : lines) print_line(line);
  if (lines.empty()) std::printf("no checkpoints in %s\n", root.c_str());
  return ExitCode::Done;
}

ExitCode inspect_checkpoint(const CheckpointArguments& arguments) {
  const Manifest manifest = read_manifest(arguments.directory);
  if (arguments.as_json)
    print_json(manifest);
  else
    print_table(manifest);
  return ExitCode::Done;
}

ExitCode verify_one(const CheckpointArguments& arguments) {
  const VerifyReport report = verify_checkpoint(arguments.directory);
  if (arguments.as_json) {
    const ordered_json line{{"whole", report.whole()},
                            {"files", report.files},
                            {"ranges", report.ranges},
                            {"bytes", report.bytes},
                            {"problems", report.problems}};
    std::printf("%s\n", line.dump().c_str());
  } else {
    for (const std::string& problem : report.problems) std::printf("damaged: %s\n", problem.c_str());
    std::printf("%s: %lld files, %lld ranges, %.1f MiB read and compared\n", report.whole() ? "whole" : "NOT whole",
                static_cast<long long>(report.files), static_cast<long long>(report.ranges), mebibytes(report.bytes));
  }
  return report.whole() ? ExitCode::Done : ExitCode::Storage;
}

}  // namespace isobath
