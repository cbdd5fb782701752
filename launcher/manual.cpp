// What the shell and man(1) know of the program, out of the parser's own table and the configuration's.

#include <cstdio>

#include <CLI/CLI.hpp>

#include "configs/yaml/run_config.hpp"
#include "launcher/command.hpp"

namespace isobath {
namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// Text as roff prints it: no escapes, no hyphens that a copy turns into other signs, no line that reads as a request.
std::string roff(const std::string& text) {
  const std::string escaped = replaced(replaced(text, "\\", "\\e"), "-", "\\-");
  return replaced("\n" + escaped, "\n.", "\n\\&.").substr(1);
}

void add_options(const CLI::App& command, std::string& page) {
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->nonpositional() ? option->get_name(false, true) : option->get_name(true);
    std::string value = option->nonpositional() && option->get_expected_max() > 0 ? option->get_type_name() : "";
    page += ".TP\n.B " + roff(name) + (value.empty() ? "" : " " + roff(value)) + "\n" +
            roff(option->get_description()) + "\n";
  }
}

void add_command(const CLI::App& command, const std::string& outer, std::string& page) {
  const std::string name = outer + command.get_name();
  page += ".SS \"isobath " + roff(name) + "\"\n" + roff(command.get_description()) + "\n";
  add_options(command, page);
  for (const CLI::App* inner : commands_of(command)) add_command(*inner, name + " ", page);
}

std::string man_page(const CLI::App& app) {
  std::string page = ".TH ISOBATH 1 \"\" \"isobath " + std::string(ISOBATH_VERSION) + "\" \"User Commands\"\n";
  page += ".SH NAME\nisobath \\- train transformers of adaptive depth\n";
  page += ".SH SYNOPSIS\n.B isobath\n.I command\n[options]\n.br\n.B mpirun \\-n 8 isobath train run.yaml\n";
  page += ".SH DESCRIPTION\n" + roff(app.get_description()) + "\n.SH COMMANDS\n";
  for (const CLI::App* command : commands_of(app)) add_command(*command, "", page);
  page += ".SH \"CONFIGURATION KEYS\"\n.nf\n" + roff(config_help()) + ".fi\n";
  return page + ".SH \"EXIT STATUS\"\n.nf\n" + roff(app.get_footer()) + "\n.fi\n";
}

/// The words that may follow a command: its own commands and options; those that take a=b get the keys as well.
std::string words_of(const CLI::App& command) {
  std::string words;
  for (const CLI::App* inner : commands_of(command)) words += inner->get_name() + " ";
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
    if (option->get_name(true) == "override")
      for (const std::string& key : config_keys()) words += key + "= ";
  }
  return words;
}

std::string bash_completion(const CLI::App& app) {
  std::string script =
      "# isobath(1) completion; write it to ~/.local/share/bash-completion/completions/isobath\n"
      "_isobath() {\n"
      "  local words= word=${COMP_WORDS[COMP_CWORD]} command=\n"
      "  ((COMP_CWORD > 1)) && command=${COMP_WORDS[1]}\n"
      "  case $command in\n";
  script += "    '') words='" + words_of(app) + "' ;;\n";
  for (const CLI::App* command : commands_of(app))
    script += "    " + command->get_name() + ") words='" + words_of(*command) + "' ;;\n";
  return script +
         "  esac\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\"; compgen -f -- \"$word\")\n"
         "  [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace\n"
         "}\n"
         "complete -o filenames -F _isobath isobath\n";
}

}  // namespace

void add_manual(CLI::App& app, CommandBody& chosen) {
  CLI::App* command = app.add_subcommand("manual", "print the man page, or completion for a shell");
  auto completes = std::make_shared<bool>(false);
  command->add_flag("--bash-completion", *completes, "print a script for bash instead of the man page");
  command->callback([&app, completes, &chosen] {
    chosen = [&app, completes] {
      std::fputs((*completes ? bash_completion(app) : man_page(app)).c_str(), stdout);
      return ExitCode::Done;
    };
  });
}

}  // namespace isobath
