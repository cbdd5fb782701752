#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include <CLI/CLI.hpp>

#include "launcher/command.hpp"
#include "ops/core/files/json.hpp"
#include "trainer/report/run_summary.hpp"

namespace isobath {
namespace {

struct ReportArguments {
  std::vector<std::string> runs;
  std::string output;
  bool as_json = false;
};

void print_table(const std::vector<RunSummary>& runs) {
  std::printf("%-14s %14s %16s  %-16s %9s %9s %13s %10s\n", "run", "training rule", "deployable rule", "", "forward",
              "skipped", "training", "tokens/s");
  std::printf("%-14s %14s %16s  %-16s %9s %9s %13s %10s\n", "", "loss", "loss", "rule", "FLOPs", "share", "FLOPs", "");
  for (const RunSummary& run : runs) {
    const RuleScore& deployed = run.deployable_rule();
    std::printf("%-14s %13.4f%s %16.4f  %-16s %9.3f %9.3f %13.3e %10.0f\n", run.name.c_str(), run.training_rule().loss,
                run.training_rule().is_causal ? " " : "*", deployed.loss, deployed.rule.c_str(),
                deployed.executed_share, RunSummary::skipped_share(deployed), run.training_flops,
                run.tokens_per_second);
  }
  std::printf(
      "\nLoss in nats per token over every validation target. Forward FLOPs of the deployable rule, over those of the "
      "same model\n"
      "without routing. * looks at later tokens: no text can be written by this rule.\n");
}

void print_json(const std::vector<RunSummary>& runs) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const RunSummary& run : runs)
    out.push_back({{"run", run.name},
                   {"training_rule", run.training_rule().rule},
                   {"training_rule_loss", run.training_rule().loss},
                   {"training_rule_causal", run.training_rule().is_causal},
                   {"deployable_rule", run.deployable_rule().rule},
                   {"deployable_loss", run.deployable_rule().loss},
                   {"forward_flops_share", run.deployable_rule().executed_share},
                   {"skipped_share", RunSummary::skipped_share(run.deployable_rule())},
                   {"training_flops", run.training_flops},
                   {"tokens_per_second", run.tokens_per_second}});
  std::printf("%s\n", out.dump(1).c_str());
}

void write_lines(const std::filesystem::path& path, const std::string& lines) {
  std::ofstream out(path);
  out << lines;
  out.close();
  if (!out) throw StorageError(text(path.string(), ": cannot be written"));
}

/// curve-NAME.tsv (step, executed FLOPs, loss) and rules.tsv (run, rule, loss, FLOP share, skipped share of every
/// block).
void write_tables(const std::filesystem::path& folder, const std::vector<RunSummary>& runs) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) throw StorageError(text(folder.string(), ": cannot be made: ", failed.message()));
  std::ostringstream rules, names;
  for (const RunSummary& run : runs) {
    std::ostringstream curve;
    for (const CurvePoint& point : run.curve) curve << point.step << '\t' << point.flops << '\t' << point.loss << '\n';
    write_lines(folder / ("curve-" + run.name + ".tsv"), curve.str());
    names << run.name << '\n';
    for (const RuleScore& score : run.rules) {
      rules << run.name << '\t' << score.rule << '\t' << score.loss << '\t' << score.executed_share;
      for (const double skipped : score.skipped_per_block) rules << '\t' << skipped;
      rules << '\n';
    }
  }
  write_lines(folder / "rules.tsv", rules.str());
  write_lines(folder / "runs.txt", names.str());
}

}  // namespace

void add_report(CLI::App& app, CommandBody& chosen) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command =
      app.add_subcommand("report", "compare evaluated runs in one table, and write the curves for drawing");
  command->add_option("runs", arguments->runs, "folders of runs that isobath evaluate has scored")->required();
  command->add_option("-o,--output", arguments->output, "folder for tables as tab-separated files");
  command->add_flag("--json", arguments->as_json, "print JSON");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      std::vector<RunSummary> runs;
      for (const std::string& run : arguments->runs) runs.push_back(summarise(run));
      arguments->as_json ? print_json(runs) : print_table(runs);
      if (!arguments->output.empty()) write_tables(arguments->output, runs);
      return ExitCode::Done;
    };
  });
}

}  // namespace isobath
