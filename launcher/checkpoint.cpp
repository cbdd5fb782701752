#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "launcher/command.hpp"
#include "trainer/checkpoint/catalog/verify.hpp"

namespace isobath {
namespace {

struct CheckpointArguments {
  std::string directory;
  bool as_json = false;
};

double mebibytes(std::int64_t bytes) { return static_cast<double>(bytes) / 1048576.0; }

void print_json(const Manifest& manifest) {
  nlohmann::ordered_json out{{"format_version", kManifestVersion},
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

ExitCode inspect(const CheckpointArguments& arguments) {
  const Manifest manifest = read_manifest(arguments.directory);
  if (arguments.as_json)
    print_json(manifest);
  else
    print_table(manifest);
  return ExitCode::Done;
}

ExitCode verify(const CheckpointArguments& arguments) {
  const VerifyReport report = verify_checkpoint(arguments.directory);
  if (arguments.as_json) {
    const nlohmann::ordered_json line{{"whole", report.whole()},
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

}  // namespace

void add_checkpoint(CLI::App& app, CommandBody& chosen) {
  auto arguments = std::make_shared<CheckpointArguments>();
  CLI::App* command = app.add_subcommand("checkpoint", "look into a checkpoint");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, ExitCode (*body)(const CheckpointArguments&)) {
    CLI::App* sub = command->add_subcommand(name, what);
    sub->add_option("directory", arguments->directory, "a step-XXXXXXXX folder")->required();
    sub->add_flag("--json", arguments->as_json, "print JSON");
    sub->callback([arguments, body, &chosen] { chosen = [arguments, body] { return body(*arguments); }; });
  };
  add("inspect", "what it holds: state, tensors, files", inspect);
  add("verify", "read every byte and compare the digests; exit 74 when something is damaged", verify);
}

}  // namespace isobath
