#include <regex>

#include "cluster/slurm/job.hpp"
#include "cluster/slurm/job_body.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

/// sbatch takes a quoted value; in a file name it replaces what follows a percent sign.
std::string sbatch_text(const std::string& text) {
  std::string out(1, '"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string sbatch_path(const fs::path& path) { return std::regex_replace(path.string(), std::regex("%"), "%%"); }

std::string array_range(const Job& job) {
  const std::string all = text("0-", job.runs.size() - 1);
  return job.at_once > 0 ? text(all, '%', job.at_once) : all;
}

std::string header(const SiteProfile& site, const Job& job) {
  std::string out;
  const auto line = [&out](const auto&... words) { out += text("#SBATCH --", words..., '\n'); };
  const std::string output = (job.directory / job.output_folder()).lexically_normal().string();
  line("job-name=", sbatch_text(job.name));
  line("chdir=", sbatch_text(job.directory.string()));
  line("output=", sbatch_text(sbatch_path(output) + (job.is_array() ? "/%A_%a.out" : "/%j.out")));
  line("open-mode=append");
  line("nodes=", site.nodes);
  line("ntasks-per-node=", site.ranks_on_a_node());
  if (site.cpus_per_rank > 0) line("cpus-per-task=", site.cpus_per_rank);
  if (site.gpus_per_node > 0) line("gpus-per-node=", site.gpus_per_node);
  line("time=", site.time);
  line("signal=B:USR2@", site.warn_seconds);
  if (!site.partition.empty()) line("partition=", site.partition);
  if (!site.account.empty()) line("account=", site.account);
  if (job.is_array()) line("array=", array_range(job));
  if (job.repeat == Repeat::Chain) line("dependency=singleton");
  line(job.repeat == Repeat::Chain ? "no-requeue" : "requeue");
  for (const std::string& extra : site.sbatch) out += text("#SBATCH ", extra, '\n');
  return out;
}

std::string words(const std::vector<std::string>& all) {
  std::string out;
  for (const std::string& word : all) out += text(out.empty() ? "" : " ", shell_word(word));
  return out;
}

/// The command up to the program. srun's own rule for a lost rank would end the others before they have said how they
/// ended, so it gets a few seconds instead; mpirun ends a job with a lost rank by itself.
std::vector<std::string> launcher_words(const SiteProfile& site) {
  std::vector<std::string> out;
  if (site.launcher == Launcher::Srun) {
    out = {"srun", "--mpi=pmix", "--kill-on-bad-exit=0", "--wait=5"};
    if (site.cpus_per_rank > 0) out.push_back(text("--cpus-per-task=", site.cpus_per_rank));
  } else {
    out = {"mpirun", "-n", text(site.nodes * site.ranks_on_a_node())};
    if (site.scheduler == Scheduler::Slurm)
      out.insert(out.end(), {"--map-by", text("ppr:", site.ranks_on_a_node(), ":node")});
  }
  out.insert(out.end(), site.launcher_options.begin(), site.launcher_options.end());
  return out;
}

std::vector<std::string> command_words(const SiteProfile& site, const Job& job) {
  std::vector<std::string> out = launcher_words(site);
  const ContainerProfile& container = site.container;
  if (!container.image.empty()) {
    out.insert(out.end(), {container.runtime, "exec"});
    out.insert(out.end(), container.options.begin(), container.options.end());
    out.push_back(container.image);
  }
  const std::string here = container.image.empty() ? job.program : "isobath";
  out.insert(out.end(), {site.program.value_or(here), "train", job.config});
  out.insert(out.end(), job.overrides.begin(), job.overrides.end());
  return out;
}

/// Which run this start is about, and what it adds to the command.
std::string run_choice(const Job& job) {
  const auto lines = [](const JobRun& run, const std::string& indent) {
    std::string out = indent + "run=" + shell_word(run.folder.string()) + '\n';
    if (!run.overrides.empty()) out += indent + "command+=(" + words(run.overrides) + ")\n";
    return out;
  };
  if (!job.is_array()) return lines(job.runs.front(), "");
  std::string out = "case $SLURM_ARRAY_TASK_ID in\n";
  for (std::size_t i = 0; i < job.runs.size(); ++i) out += text("  ", i, ")\n", lines(job.runs[i], "    "), "    ;;\n");
  return out + "  *) echo \"no run for array index $SLURM_ARRAY_TASK_ID\" >&2; exit 64 ;;\nesac\n";
}

std::string environment_function(const SiteProfile& site) {
  std::string out = "settle_environment() {\n";
  for (const std::string& variable : site.environment) {
    const std::size_t equals = variable.find('=');
    out += "  export " + variable.substr(0, equals + 1) + shell_word(variable.substr(equals + 1)) + '\n';
  }
  return out + "  :\n}\n";
}

}  // namespace

std::string shell_word(const std::string& word) {
  static const std::regex kPlain("[A-Za-z0-9_@%+=:,./-]+");
  if (std::regex_match(word, kPlain)) return word;
  return text('\'', std::regex_replace(word, std::regex("'"), "'\\''"), '\'');
}

fs::path Job::output_folder() const {
  const fs::path folder = runs.front().folder;
  return is_array() ? folder.parent_path() / (name + "-slurm") : folder / "slurm";
}

std::string render_job(const SiteProfile& site, const Job& job) {
  require(!job.runs.empty(), "a job without a run");
  std::string out = "#!/usr/bin/env bash\n";
  if (site.scheduler == Scheduler::Slurm) out += header(site, job);
  out += "\n# Written by isobath submit: goes on from the newest checkpoint whenever it is started.\n";
  out += "directory=" + shell_word(job.directory.string()) + '\n';
  out += "output=" + shell_word(job.output_folder().string()) + '\n';
  out += text("max_requeues=", site.max_requeues, '\n');
  out += std::string("repeat=") + (job.repeat == Repeat::Chain ? "chain" : "requeue") + '\n';
  out += "chain=" + shell_word(job.chain) + '\n';
  out += "modules=(" + words(site.modules) + ")\n";
  out += environment_function(site);
  out += "command=(" + words(command_words(site, job)) + ")\n";
  out += run_choice(job) + '\n';
  return out + job_body();
}

}  // namespace isobath
