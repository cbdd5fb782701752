#pragma once
// From a job to the queue, or straight to bash where there is none.

#include <cstddef>
#include <string>
#include <vector>

#include "cluster/slurm/job.hpp"
#include "cluster/slurm/site_profile.hpp"
#include "ops/core/error.hpp"

namespace isobath {

/// Throws a usage Error when what the command line put into the profile does not fit the rest of it.
void require_usable(const SiteProfile& site);

/// The overrides of array index `index`: those in `set` ("a.b=c d.e=f"), and a name of its own, "BASE-INDEX", unless
/// the set has one. Throws a usage Error when the set is empty.
std::vector<std::string> array_overrides(const std::string& set, const std::string& base, std::size_t index);

/// Throws a usage Error when two runs would write the same folder.
void require_own_folders(const std::vector<JobRun>& runs);

/// Keeps the script in the job's output folder and gives it to sbatch, `times` times (a chain); without a scheduler
/// this process becomes bash that runs it. Throws BackendError when sbatch is absent or refuses, StorageError when the
/// script cannot be written, a usage Error for what needs a scheduler.
ExitCode start_job(const SiteProfile& site, Job job, int times);

}  // namespace isobath
