#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "cluster/slurm/site_profile.hpp"
#include "cluster/slurm/submission.hpp"
#include "configs/yaml/load.hpp"
#include "configs/yaml/run_config.hpp"
#include "launcher/command.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

struct SubmitArguments {
  std::string config, site;
  std::vector<std::string> overrides;
  std::optional<std::int64_t> nodes, ranks_per_node, max_requeues;
  std::optional<std::string> time;
  std::optional<Launcher> launcher;
  std::vector<std::string> array;
  std::int64_t at_once = 0;
  int chain = 1;
  bool only_print = false;
};

/// The profile with what the command line says instead.
SiteProfile site_of(const SubmitArguments& arguments) {
  config::Document document = config::load(arguments.site);
  SiteProfile site;
  if (document.parsed == config::Parsed::Whole)
    site = decode_site_profile(document.root, {arguments.site, 0, 0}, document.issues);
  config::throw_if_any(document.issues);
  site.nodes = arguments.nodes.value_or(site.nodes);
  if (arguments.ranks_per_node) site.ranks_per_node = arguments.ranks_per_node;
  site.time = arguments.time.value_or(site.time);
  site.launcher = arguments.launcher.value_or(site.launcher);
  site.max_requeues = arguments.max_requeues.value_or(site.max_requeues);
  require_usable(site);
  return site;
}

JobRun run_of(const SubmitArguments& arguments, std::vector<std::string> own) {
  std::vector<std::string> all = arguments.overrides;
  all.insert(all.end(), own.begin(), own.end());
  const RunConfig run = load_run_config(arguments.config, all).config;
  return {fs::path(run.output) / run.name, std::move(own)};
}

Job job_of(const SubmitArguments& arguments) {
  Job job;
  const RunConfig run = load_run_config(arguments.config, arguments.overrides).config;
  job.name = run.name;
  job.directory = fs::current_path();
  job.program = fs::read_symlink("/proc/self/exe").string();
  job.config = arguments.config;
  job.overrides = arguments.overrides;
  job.at_once = arguments.at_once;
  for (std::size_t i = 0; i < arguments.array.size(); ++i)
    job.runs.push_back(run_of(arguments, array_overrides(arguments.array[i], run.name, i)));
  if (job.runs.empty()) job.runs.push_back(run_of(arguments, {}));
  require_own_folders(job.runs);
  if (arguments.chain > 1) job.repeat = Repeat::Chain;
  return job;
}

ExitCode submit(const SubmitArguments& arguments) {
  const SiteProfile site = site_of(arguments);
  Job job = job_of(arguments);
  if (arguments.only_print) {
    std::fputs(render_job(site, job).c_str(), stdout);
    return ExitCode::Done;
  }
  return start_job(site, std::move(job), arguments.chain);
}

void add_job_options(CLI::App& command, SubmitArguments& arguments) {
  command.add_option("--nodes", arguments.nodes, "instead of the profile's")->check(CLI::Range(1, 100000));
  command.add_option("--ranks-per-node", arguments.ranks_per_node, "instead of the profile's")
      ->check(CLI::Range(1, 4096));
  command.add_option("--time", arguments.time, "walltime of one start, [DAYS-]HH:MM:SS")
      ->check([](const std::string& text) {
        return is_walltime(text) ? std::string() : "no walltime: \"" + text + "\"; write [DAYS-]HH:MM:SS";
      });
  const std::map<std::string, Launcher> launchers{{"srun", Launcher::Srun}, {"mpirun", Launcher::Mpirun}};
  command.add_option("--launcher", arguments.launcher, "srun or mpirun, instead of the profile's")
      ->transform(CLI::CheckedTransformer(launchers));
  command.add_option("--max-requeues", arguments.max_requeues, "starts of the job beyond the first")
      ->check(CLI::Range(0, 100000));
}

}  // namespace

void add_submit(CLI::App& app, CommandBody& chosen) {
  auto arguments = std::make_shared<SubmitArguments>();
  CLI::App* command = app.add_subcommand("submit", "render the Slurm job of a run and submit it; see docs/slurm.md");
  command->add_option("config", arguments->config, "YAML file of the run")->required();
  command->add_option("override", arguments->overrides, "a.b=c, applied after the file");
  command->add_option("--site", arguments->site, "YAML file of the site; ISOBATH_SITE where it is not given")
      ->envname("ISOBATH_SITE")
      ->required();
  add_job_options(*command, *arguments);
  CLI::Option* array =
      command
          ->add_option("--array", arguments->array, "\"a.b=c d.e=f\": one run of a job array; repeat it for each run")
          ->take_all()
          ->allow_extra_args(false);
  command->add_option("--at-once", arguments->at_once, "runs of the array that may run together")
      ->needs(array)
      ->check(CLI::PositiveNumber);
  command->add_option("--chain", arguments->chain, "jobs that go on one after the other instead of requeues")
      ->check(CLI::Range(1, 1000))
      ->excludes(array);
  command->add_flag("--print", arguments->only_print, "print the script, submit nothing, write nothing");
  command->callback([arguments, &chosen] { chosen = [arguments] { return submit(*arguments); }; });
}

}  // namespace isobath
