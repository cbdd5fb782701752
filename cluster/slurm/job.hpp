#pragma once
// One sbatch script out of a site profile and a run.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cluster/slurm/site_profile.hpp"

namespace isobath {

/// One run of the job: the only one, or that of an array index.
struct JobRun {
  std::filesystem::path folder;        ///< where the run keeps what it writes, as `isobath train` sees it
  std::vector<std::string> overrides;  ///< "a.b=c", after those of the job
};

/// What happens after a start that ended before the run did.
enum class Repeat {
  Requeue,  ///< the script asks for the job to be started again
  Chain,    ///< the next job of the same name goes on
};

struct Job {
  std::string name;                    ///< shown by squeue; jobs of a chain have the same
  std::filesystem::path directory;     ///< absolute; paths of the configuration count from here
  std::string program;                 ///< of the submitting machine
  std::string config;                  ///< YAML file of the run
  std::vector<std::string> overrides;  ///< "a.b=c"
  std::vector<JobRun> runs;            ///< more than one make an array
  std::int64_t at_once = 0;            ///< array elements that run together; 0: as many as there is room for
  Repeat repeat = Repeat::Requeue;
  std::string chain;  ///< distinguishes this chain from an earlier one of the same run

  bool is_array() const { return runs.size() > 1; }
  /// Where the output of the job's starts gathers.
  std::filesystem::path output_folder() const;
};

/// `text` as one word of bash.
std::string shell_word(const std::string& text);

/// The whole script. `runs` is not empty. It starts the ranks in the background, forwards USR2 and TERM to them, and
/// has itself requeued by what its body says (job_body.hpp).
std::string render_job(const SiteProfile& site, const Job& job);

}  // namespace isobath
