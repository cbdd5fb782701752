#include "data/prepare/prepare.hpp"

#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "launcher/command.hpp"
#include "launcher/signals.hpp"

namespace isobath {
namespace {

void print(const PrepareOptions& options, const PrepareReport& report) {
  const bool written = report.outcome == PrepareOutcome::Written;
  std::printf("%s %s: %lld tokens from %lld bytes, vocabulary %lld, %lld shard%s, fingerprint %s\n",
              written ? "wrote" : "already there, verified:", options.output.c_str(),
              static_cast<long long>(report.tokens), static_cast<long long>(report.source_bytes),
              static_cast<long long>(report.vocabulary), static_cast<long long>(report.shards),
              report.shards == 1 ? "" : "s", report.fingerprint.hex().c_str());
}

}  // namespace

void add_prepare(CLI::App& app, CommandBody& chosen) {
  auto options = std::make_shared<PrepareOptions>();
  CLI::App* command = app.add_subcommand("prepare", "turn text files into a token dataset");
  command->add_option("input", options->inputs, "text files, read in this order")->required();
  command->add_option("-o,--output", options->output, "folder of the dataset")->required();
  const std::map<std::string, TokenizerKind> kinds{{"bytes", TokenizerKind::Bytes},
                                                   {"characters", TokenizerKind::Characters}};
  command
      ->add_option("-t,--tokenizer", options->tokenizer, "bytes (256 symbols, any file) or characters (of UTF-8 text)")
      ->transform(CLI::CheckedTransformer(kinds))
      ->default_str("bytes");
  command->add_option("--vocabulary", options->vocabulary,
                      "vocabulary.json to use instead of the characters that occur");
  command->add_option("--shard-tokens", options->shard_tokens, "most tokens of one file")->capture_default_str();
  command->add_flag_callback(
      "--overwrite", [options] { options->on_existing = OnExisting::Overwrite; },
      "replace a dataset that is already in the folder");
  command->callback([options, &chosen] {
    chosen = [options] {
      stop_on_signals();
      print(*options, prepare(*options));
      return ExitCode::Done;
    };
  });
}

}  // namespace isobath
