#include <memory>

#include <CLI/CLI.hpp>

#include "configs/yaml/run_config.hpp"
#include "launcher/command.hpp"
#include "launcher/dry_run.hpp"
#include "launcher/fault.hpp"
#include "launcher/session.hpp"
#include "launcher/signals.hpp"
#include "parallel/watch/watchdog.hpp"
#include "trainer/run/training_run.hpp"

namespace isobath {
namespace {

struct TrainArguments {
  std::string config;
  std::vector<std::string> overrides;
  std::string trace;
  bool is_dry = false;
  DryRunRequest dry;
};

/// What this rank can read of the limits before it knows the others. Where that is nothing, as on a host that does not
/// see the file, the defaults hold; what is wrong with the file is said by rank 0 later. A pipe can be read only once.
WatchdogConfig first_limits(const TrainArguments& arguments) {
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(arguments.config, unknown)) return {};
  try {
    return load_run_config(arguments.config, arguments.overrides).config.watchdog;
  } catch (const ConfigError&) {
    return {};
  }
}

ExitCode train(const TrainArguments& arguments, const WatchdogConfig& limits, Communicator& ranks) {
  // The run's folder is not known yet.
  auto starting = std::make_unique<Watchdog>(limits, watchdog_job(ranks, {}));
  starting->enter(Stage::StartUp);
  const RunSetup setup = set_up_run([&] { return load_run_config(arguments.config, arguments.overrides); }, ranks);
  const int threads = settle_threads(setup.config.system, ranks);
  agree_on_setup(setup, threads, ranks);
  open_run_directory(setup, ranks);
  starting = nullptr;
  Watchdog watchdog(setup.config.watchdog, watchdog_job(ranks, RunPaths(setup.config).root));
  watchdog.enter(Stage::StartUp);
  plan_fault(ranks);
  TrainingRun run(setup, ranks);
  run.tell(watchdog);
  if (!arguments.trace.empty()) run.record_routes(arguments.trace);
  run.finish();
  return ExitCode::Done;
}

}  // namespace

void add_train(CLI::App& app, CommandBody& chosen) {
  auto arguments = std::make_shared<TrainArguments>();
  CLI::App* command = app.add_subcommand("train", "train a run, or go on with it; alone, or under mpirun or srun");
  command->add_option("config", arguments->config, "YAML file")->required();
  command->add_option("override", arguments->overrides, "a.b=c, applied after the file");
  CLI::Option* dry =
      command->add_flag("--dry-run", arguments->is_dry, "print configuration, parameters, FLOPs and memory, and stop");
  command->add_option("--ranks", arguments->dry.ranks, "ranks that the dry run reckons with")
      ->needs(dry)
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", arguments->dry.as_json, "print the dry run's figures as JSON")->needs(dry);
  command->add_option("--record-routes", arguments->trace,
                      "HDF5 file for the rows that top-k chooses, for depth.policy replay");
  command->footer("Every key: isobath train --help-config, or docs/configuration.md.");
  command->add_flag_callback(
      "--reference",
      [] {
        std::fputs(config_reference().c_str(), stdout);
        throw CLI::Success{};
      },
      "print every configuration key as Markdown: docs/configuration.md");
  command->add_flag_callback(
      "--help-config",
      [] {
        std::fputs(config_help().c_str(), stdout);
        throw CLI::Success{};
      },
      "print every configuration key");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      if (arguments->is_dry)
        return print_dry_run(load_run_config(arguments->config, arguments->overrides), arguments->dry);
      stop_on_signals();
      const WatchdogConfig limits = first_limits(*arguments);
      return on_ranks([&](Communicator& ranks) { return train(*arguments, limits, ranks); }, limits);
    };
  });
}

}  // namespace isobath
