#include "cluster/slurm/submission.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <set>
#include <sstream>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops/core/files/durable.hpp"

extern "C" char** environ;

namespace isobath {
namespace {

namespace fs = std::filesystem;

Error usage(const std::string& message) { return {ExitCode::Usage, message}; }

fs::path keep_script(const SiteProfile& site, const Job& job) {
  const fs::path folder = job.output_folder();
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw StorageError(system_failure(folder, "make the folder", failed.value()));
  fs::path script = folder / "job.sh";
  write_durably(script, render_job(site, job));
  return script;
}

void call_sbatch(const fs::path& script) {
  std::string name = "sbatch";
  std::string path = script.string();
  char* const arguments[] = {name.data(), path.data(), nullptr};
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, "sbatch", nullptr, nullptr, arguments, environ);
  if (failed != 0)
    throw BackendError(text("sbatch: ", std::strerror(failed),
                            "; submit on a machine of a Slurm cluster, or use a site profile with scheduler: none"));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw InternalError(text("waitpid of sbatch: ", std::strerror(errno)));
  if (status == 0) return;
  const std::string how = WIFEXITED(status) ? text("exit code ", WEXITSTATUS(status)) : "a signal";
  throw BackendError("sbatch did not take " + path + " (" + how + "); what it says above is the reason");
}

[[noreturn]] void become_bash(const fs::path& script) {
  const std::string path = script.string();
  ::execlp("bash", "bash", path.c_str(), nullptr);
  throw BackendError(text("bash: ", std::strerror(errno)));
}

}  // namespace

void require_usable(const SiteProfile& site) {
  if (site.scheduler == Scheduler::Slurm) return;
  if (site.launcher == Launcher::Srun) throw usage("srun needs Slurm, and the site has scheduler: none");
  if (site.nodes > 1) throw usage("more than one node needs a scheduler, and the site has scheduler: none");
}

std::vector<std::string> array_overrides(const std::string& set, const std::string& base, std::size_t index) {
  std::vector<std::string> all;
  std::istringstream in(set);
  bool named = false;
  for (std::string word; in >> word; all.push_back(word)) named = named || word.rfind("name=", 0) == 0;
  if (all.empty()) throw usage(text("--array number ", index, " is empty; write --array \"a.b=c d.e=f\""));
  if (!named) all.push_back(text("name=", base, '-', index));
  return all;
}

void require_own_folders(const std::vector<JobRun>& runs) {
  std::set<fs::path> seen;
  for (const JobRun& run : runs)
    if (!seen.insert(run.folder.lexically_normal()).second)
      throw usage(text("two runs of the array would write ", run.folder.string(), "; give each a name of its own"));
}

ExitCode start_job(const SiteProfile& site, Job job, int times) {
  const bool queued = site.scheduler == Scheduler::Slurm;
  if (!queued && job.is_array()) throw usage("--array needs a scheduler, and the site has scheduler: none");
  if (!queued && times > 1) throw usage("--chain needs a scheduler, and the site has scheduler: none");
  job.chain = text(std::time(nullptr), '-', ::getpid());
  const fs::path script = keep_script(site, job);
  if (!queued) become_bash(script);
  for (int i = 0; i < times; ++i) call_sbatch(script);
  return ExitCode::Done;
}

}  // namespace isobath
