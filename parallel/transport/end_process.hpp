#pragma once

#include "ops/core/error.hpp"

namespace isobath {

/// Flushes what was printed and ends this process at once, without destructors: threads may hang inside a library.
/// mpirun, srun and PMIx see a rank that left before MPI_Finalize, end its peers and return `code`.
[[noreturn]] void end_process(ExitCode code) noexcept;

}  // namespace isobath
