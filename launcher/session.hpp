#pragma once
// The ranks of this process's job, from start to end, and the rule for errors: one message, every rank ends with the
// documented code.

#include <functional>
#include <string>

#include "ops/core/error.hpp"
#include "parallel/communicator.hpp"

namespace isobath {

/// Runs `work` with the job's ranks: MPI's world when a launcher started the process, a single rank otherwise. An error
/// that every rank has alike is printed by rank 0 and returned as its code; one that a rank has alone is printed there
/// and ends the whole job at once.
ExitCode on_ranks(const std::function<ExitCode(Communicator& ranks)>& work);

/// Gives this process its share of the host's cores: `wanted` threads, or cores / local ranks when 0. Warns once per
/// host, through rank 0, when ranks exceed cores. Returns the count.
int settle_threads(std::int64_t wanted, Communicator& ranks);

/// Prints the error of a caught exception and returns its exit code. For use in catch blocks only.
ExitCode report_current_exception();

}  // namespace isobath
