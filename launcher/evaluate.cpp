#include <cstdio>
#include <fstream>
#include <memory>

#include <CLI/CLI.hpp>

#include "launcher/command.hpp"
#include "launcher/device_option.hpp"
#include "launcher/session.hpp"
#include "launcher/signals.hpp"
#include "ops/core/files/json.hpp"
#include "trainer/metrics/flops.hpp"
#include "trainer/run/trained_run.hpp"

namespace isobath {
namespace {

struct EvaluateArguments {
  std::string run;
  std::int64_t windows = 0;
  std::optional<DeviceChoice> device = {};
  bool as_json = false;
};

nlohmann::ordered_json json_of(const Evaluation& e) {
  std::vector<double> skipped;
  for (const double depth : e.depth) skipped.push_back(1.0 - depth);
  return {
      {"rule", e.rule},
      {"causal", e.is_causal},
      {"deployable", e.is_deployable},
      {"loss", e.loss},
      {"targets", e.targets},
      {"skipped_per_block", skipped},
      {"gate_per_block", e.gate},
      {"forward_flops", {{"executed", e.executed_flops}, {"soft", e.soft_flops}, {"dense_equivalent", e.dense_flops}}},
      {"tlops_saved_soft", token_layer_operations_saved(e.gate)},
      {"tlops_saved_executed", token_layer_operations_saved(e.depth)}};
}

void print_table(const TrainedRun& run, const std::vector<Evaluation>& evaluations) {
  std::printf("%s at step %lld; %lld targets; forward FLOPs relative to the same model without routing\n\n",
              run.setup().config.name.c_str(), static_cast<long long>(run.step()),
              static_cast<long long>(evaluations.front().targets));
  std::printf("%-16s %-7s %8s  %9s %9s  %s\n", "rule", "causal", "loss", "executed", "soft", "skipped per block");
  for (const Evaluation& e : evaluations) {
    std::printf("%-16s %-7s %8.4f  %9.3f %9.3f ", e.rule.c_str(), e.is_causal ? "yes" : "NO", e.loss,
                e.executed_flops / e.dense_flops, e.soft_flops / e.dense_flops);
    for (const double depth : e.depth) std::printf(" %.2f", 1.0 - depth);
    std::printf("%s\n", e.is_deployable ? "  <- deployable" : "");
  }
  std::printf("\nTLOps saved (soft, the TSA paper's formula): %.3f\n",
              token_layer_operations_saved(evaluations.front().gate));
}

void write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream out(path);
  out << content << '\n';
  out.close();
  if (!out) throw StorageError(text(path.string(), ": cannot be written"));
}

ExitCode evaluate_run(const EvaluateArguments& arguments, Communicator& ranks) {
  RunSetup setup = set_up_trained_run(arguments.run, arguments.device, ranks);
  settle_threads(setup.config.system, ranks);
  const TrainedRun run(arguments.run, std::move(setup), ranks);
  const std::vector<Evaluation> evaluations = run.evaluate_rules(arguments.windows);
  if (ranks.rank() != 0) return ExitCode::Done;
  nlohmann::ordered_json out{
      {"run", run.setup().config.name}, {"step", run.step()}, {"windows", arguments.windows}, {"rules", {}}};
  for (const Evaluation& evaluation : evaluations) out["rules"].push_back(json_of(evaluation));
  write_file(RunPaths(std::filesystem::path(arguments.run)).evaluation(), out.dump(1));
  if (arguments.as_json)
    std::printf("%s\n", out.dump().c_str());
  else
    print_table(run, evaluations);
  return ExitCode::Done;
}

}  // namespace

void add_evaluate(CLI::App& app, CommandBody& chosen) {
  auto arguments = std::make_shared<EvaluateArguments>();
  CLI::App* command =
      app.add_subcommand("evaluate", "score a run under every routing rule; also writes RUN/evaluation.json");
  command->add_option("run", arguments->run, "folder of the run, e.g. runs/demo-tsa")->required();
  command->add_option("--windows", arguments->windows, "evenly spaced validation windows; 0: every target")
      ->capture_default_str();
  add_device(*command, arguments->device);
  command->add_flag("--json", arguments->as_json, "print JSON");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      stop_on_signals();
      return on_ranks([arguments](Communicator& ranks) { return evaluate_run(*arguments, ranks); });
    };
  });
}

}  // namespace isobath
