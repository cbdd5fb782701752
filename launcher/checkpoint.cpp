#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "launcher/checkpoint_commands.hpp"
#include "launcher/command.hpp"
#include "trainer/checkpoint/tools/reshard.hpp"
#include "trainer/run/run_export.hpp"

namespace isobath {
namespace {

ExitCode reshard(const CheckpointArguments& arguments) {
  const auto out = reshard_checkpoint(arguments.directory, arguments.output, arguments.shards);
  std::printf("wrote %s\n", out.c_str());
  return ExitCode::Done;
}

ExitCode export_one(const CheckpointArguments& arguments) {
  export_checkpoint(arguments.directory, arguments.output);
  std::printf("wrote %s and config.json\n", (arguments.output / "model.safetensors").c_str());
  return ExitCode::Done;
}

}  // namespace

void add_checkpoint(CLI::App& app, CommandBody& chosen) {
  auto arguments = std::make_shared<CheckpointArguments>();
  CLI::App* command = app.add_subcommand("checkpoint", "look into checkpoints, cut them anew, hand weights on");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, const char* directory,
                       ExitCode (*body)(const CheckpointArguments&)) {
    CLI::App* sub = command->add_subcommand(name, what);
    sub->add_option("directory", arguments->directory, directory)->required();
    sub->callback([arguments, body, &chosen] { chosen = [arguments, body] { return body(*arguments); }; });
    return sub;
  };
  constexpr const char *kOne = "a step-XXXXXXXX folder", *kJson = "print JSON";
  add("list", "the checkpoints of a run, newest first: whole, or why not", "a run, or its checkpoints folder",
      list_checkpoints)
      ->add_flag("--json", arguments->as_json, kJson);
  add("inspect", "what it holds: state, tensors, files", kOne, inspect_checkpoint)
      ->add_flag("--json", arguments->as_json, kJson);
  add("verify", "read every byte and compare the digests; exit 74 when something is damaged", kOne, verify_one)
      ->add_flag("--json", arguments->as_json, kJson);
  CLI::App* cut = add("reshard", "the same checkpoint in another number of files, verified on the way", kOne, reshard);
  cut->add_option("--shards", arguments->shards, "files")->required()->check(CLI::Range(1, 99999));
  cut->add_option("--output", arguments->output, "folder that receives the step-XXXXXXXX folder")->required();
  add("export", "the weights as model.safetensors, and config.json", kOne, export_one)
      ->add_option("--output", arguments->output, "folder for both files")
      ->required();
}

}  // namespace isobath
