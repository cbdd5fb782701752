#pragma once
// For tests of real processes: ISOBATH_FAULT="POINT[:rank=R][:visit=N]:ACTION" makes this process fail when a
// checkpoint reaches a named point. POINT: before_shard, in_shard, before_fsync, shard_done, before_manifest,
// manifest_temporary, manifest_done, in_pruning, loading (trainer/checkpoint/storage/observer.hpp). Without rank every
// rank that gets there acts, without visit the first time. ACTION: kill (SIGKILL), stop (SIGSTOP), fail (a storage
// error at the point).

#include "parallel/communicator.hpp"

namespace isobath {

/// Reads ISOBATH_FAULT; does nothing without it. Throws Error (usage, 64) when it is not understood.
void plan_fault(const Communicator& ranks);

}  // namespace isobath
