#pragma once
// Ranks that exchange the memory of their GPUs. Which file is behind it, nccl_communicator.cpp or no_nccl.cpp, is the
// build's choice.

#include <memory>
#include <string>

#include "parallel/communicator.hpp"

namespace isobath {

/// Seconds. A peer that died on the same host may leave NCCL waiting without an error, so nothing waits without one of
/// these.
struct NcclLimits {
  double start = 1800;      ///< for the ranks to meet, and for their end
  double collective = 900;  ///< from its call to its end, the work before it included
  double abort = 60;        ///< for NCCL to let go after a failure; then the process ends with code 79
};

/// Collectives over memory of `device` run by NCCL on a stream of their own, after what the calling thread's queue on
/// the device holds and beside what it is given next. Everything else is done by `host`, which also brings the ranks
/// together and must outlive the result. Every rank calls it. Throws BackendError in a build without CUDA, and on every
/// rank the error of one that cannot start.
///
/// All ranks get equal bits; sums are taken in NCCL's order, not in that of the ranks, and bf16 may be rounded at each
/// step. The order, and so the bits, is the same in every run with the same ranks, sizes and NCCL_ALGO=Ring,
/// NCCL_PROTO=Simple. NCCL's Max and Min may drop a NaN; its sums keep it.
std::unique_ptr<Communicator> nccl_communicator(Communicator& host, Device device, const NcclLimits& limits = {});

/// NCCL's version ("2.28.9"), or why there is none. For people.
std::string nccl_version();

}  // namespace isobath
