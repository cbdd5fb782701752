#pragma once
// Named points of saving, pruning and loading, so that a test can end the process exactly there.

#include <functional>

namespace isobath {

enum class CheckpointPoint {
  BeforeShard,        ///< each rank: the step directory exists, nothing of the shard does
  InShard,            ///< each rank: at least half of the shard's bytes were handed to HDF5
  BeforeFsync,        ///< each rank: the shard is closed under its temporary name
  ShardDone,          ///< each rank: the shard is durable under its own name
  BeforeManifest,     ///< rank 0: all shards are durable
  ManifestTemporary,  ///< rank 0: the manifest is durable under its temporary name
  ManifestDone,       ///< rank 0: the checkpoint counts
  InPruning,          ///< the manifest of a checkpoint to be removed is gone, its shards are not
  Loading,            ///< each rank: about half of the ranges are in memory
};

inline constexpr CheckpointPoint kCheckpointPoints[] = {
    CheckpointPoint::BeforeShard,  CheckpointPoint::InShard,        CheckpointPoint::BeforeFsync,
    CheckpointPoint::ShardDone,    CheckpointPoint::BeforeManifest, CheckpointPoint::ManifestTemporary,
    CheckpointPoint::ManifestDone, CheckpointPoint::InPruning,      CheckpointPoint::Loading};

using CheckpointObserver = std::function<void(CheckpointPoint)>;

/// Called at every point by the thread that reaches it; an exception of the observer counts as a failure at the point.
/// Set it while no checkpoint is being written or read; an empty one switches observation off.
void set_checkpoint_observer(CheckpointObserver observer);

/// Tells the observer, if there is one.
void reached(CheckpointPoint point);

}  // namespace isobath
