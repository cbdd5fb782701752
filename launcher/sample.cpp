#include "trainer/sample/sample.hpp"

#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "launcher/command.hpp"
#include "launcher/device_option.hpp"
#include "launcher/session.hpp"
#include "parallel/self_communicator.hpp"
#include "trainer/run/trained_run.hpp"

namespace isobath {
namespace {

struct SampleArguments {
  std::string run;
  std::string prompt = "\n";
  std::string rule;
  std::optional<DeviceChoice> device = {};
  SampleOptions options;
};

std::string names_of_causal(const RuleSet& rules) {
  std::string names;
  for (const Router* rule : rules.all)
    if (rule->is_causal()) names += (names.empty() ? "" : ", ") + rule->rule();
  return names;
}

const Router& rule_named(const RuleSet& rules, const std::string& name) {
  if (name.empty() && rules.deployable->is_causal()) return *rules.deployable;
  for (const Router* rule : rules.all)
    if (rule->rule() == name && rule->is_causal()) return *rule;
  throw Error(ExitCode::Usage, text("sampling needs a causal rule, and '", name,
                                    "' is none of this run; there are: ", names_of_causal(rules)));
}

ExitCode sample_run(const SampleArguments& arguments) {
  SelfCommunicator alone;
  RunSetup setup = set_up_trained_run(arguments.run, arguments.device, alone);
  settle_threads(setup.config.system, alone);
  const TrainedRun run(arguments.run, std::move(setup), alone);
  const Tokenizer* tokenizer = run.setup().dataset.tokenizer.get();
  if (tokenizer == nullptr)
    throw DataError(
        "the dataset's tokens were made by another program, so they cannot be printed; train on text from isobath "
        "prepare");
  const RuleSet rules = rules_of(run.replica(), run.thresholds());
  const Router& rule = rule_named(rules, arguments.rule);
  const std::vector<std::int32_t> tokens =
      sample(run.replica(), rule, tokenizer->encode(arguments.prompt), arguments.options);
  std::printf("%s%s\n", arguments.prompt.c_str(), tokenizer->decode(tokens).c_str());
  return ExitCode::Done;
}

}  // namespace

void add_sample(CLI::App& app, CommandBody& chosen) {
  auto arguments = std::make_shared<SampleArguments>();
  SampleOptions& options = arguments->options;
  CLI::App* command = app.add_subcommand("sample", "let a trained run write, by a causal rule");
  command->add_option("run", arguments->run, "folder of the run")->required();
  command->add_option("--prompt", arguments->prompt, "text to continue");
  command->add_option("--tokens", options.tokens, "tokens to write")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--temperature", options.temperature, "0: always the most likely token")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--top-k", options.top_k, "draw among the k most likely; 0: all")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--seed", options.seed, "of the draws")->capture_default_str();
  command->add_option("--rule", arguments->rule, "routing rule; default: the deployable one");
  add_device(*command, arguments->device);
  command->callback([arguments, &chosen] { chosen = [arguments] { return sample_run(*arguments); }; });
}

}  // namespace isobath
