#pragma once
// A subcommand: what it registers with the parser, and what runs when it was chosen.

#include <functional>
#include <vector>

#include "ops/core/error.hpp"

namespace CLI {
class App;
}

namespace isobath {

/// The chosen command's work. Throws; returns the exit code otherwise.
using CommandBody = std::function<ExitCode()>;

/// Adds a subcommand to `app`; sets `chosen` to its body when the parser meets it.
using AddCommand = void (*)(CLI::App& app, CommandBody& chosen);

void add_prepare(CLI::App& app, CommandBody& chosen);
void add_train(CLI::App& app, CommandBody& chosen);
void add_evaluate(CLI::App& app, CommandBody& chosen);
void add_sample(CLI::App& app, CommandBody& chosen);
void add_checkpoint(CLI::App& app, CommandBody& chosen);
void add_doctor(CLI::App& app, CommandBody& chosen);
void add_bench(CLI::App& app, CommandBody& chosen);
void add_report(CLI::App& app, CommandBody& chosen);
void add_submit(CLI::App& app, CommandBody& chosen);
void add_manual(CLI::App& app, CommandBody& chosen);

}  // namespace isobath
