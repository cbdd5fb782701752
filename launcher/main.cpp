
#include <CLI/CLI.hpp>

#include "launcher/command.hpp"
#include "launcher/environment.hpp"
#include "launcher/session.hpp"

namespace isobath {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 done; 64 usage; 65 data; 69 device or library unavailable; 70 internal error; 74 storage;\n"
    "75 saved, start again; 78 configuration; 79 a peer was lost or differs; 93 stopped, a restart will not help.";

/// The body's exit code, or that of the error it ended with.
ExitCode run(const CommandBody& body) {
  try {
    return body();
  } catch (...) {
    return report_current_exception();
  }
}

int parse_and_run(int count, char** arguments) {
  CLI::App app{"isobath trains transformers whose depth adapts to the token, and measures whether that pays.",
               "isobath"};
  app.set_version_flag("--version", ISOBATH_VERSION);
  app.require_subcommand(1);
  app.footer(kExitCodes);
  CommandBody chosen;
  for (const AddCommand add : {add_prepare, add_train, add_evaluate, add_sample, add_report, add_checkpoint, add_submit,
                               add_doctor, add_bench, add_manual})
    add(app, chosen);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    const bool asked = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
    app.exit(error);
    return static_cast<int>(asked ? ExitCode::Done : ExitCode::Usage);
  }
  return static_cast<int>(run(chosen));
}

}  // namespace
}  // namespace isobath

int main(int count, char** arguments) {
  isobath::settle_environment(arguments);
  return isobath::parse_and_run(count, arguments);
}
