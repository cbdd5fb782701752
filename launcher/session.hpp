#pragma once
// The ranks of this process's job, from start to end, and the rule for errors: one message, every rank ends with the
// documented code.

#include <functional>
#include <string>

#include "configs/schema/system_config.hpp"
#include "configs/schema/watchdog_config.hpp"
#include "ops/core/error.hpp"
#include "parallel/communicator.hpp"
#include "parallel/watch/watchdog.hpp"

namespace isobath {

/// Runs `work` with the job's ranks: MPI's world when a launcher started the process, a single rank otherwise. An error
/// that every rank has alike is printed by rank 0 and returned as its code; one that a rank has alone is printed there
/// and ends the whole job at once. Where MPI does not start, or the ranks do not find each other, within
/// `limits.start_up`, the process ends with 79.
ExitCode on_ranks(const std::function<ExitCode(Communicator& ranks)>& work, const WatchdogConfig& limits = {});

/// Of a rank: the line, crash-RANK.json in `folder` unless that is empty, and the end of the job.
WatchdogJob watchdog_job(Communicator& ranks, std::filesystem::path folder);

/// Gives this process its share of the host's cores: system.threads of them, or cores / local ranks when 0, and binds
/// the compute threads as system.bind says, before the first of them exists. Rank 0 says who computes where, and warns
/// when ranks exceed cores. Returns the count. Collective.
int settle_threads(const SystemConfig& system, Communicator& ranks);

/// Prints the error of a caught exception and returns its exit code. For use in catch blocks only.
ExitCode report_current_exception();

}  // namespace isobath
