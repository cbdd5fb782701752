#pragma once
// Saving while training goes on. A request copies the bytes that this rank will write and returns; one thread per rank
// hashes and writes them. Ranks never wait for each other's disks: each says with the reduction of every step whether
// its part of the current phase is done, and at the end of the step in which all have said so every rank enters the
// next phase. The phases are those of save_checkpoint, in its order:
//
//   prepare  rank 0 makes the step directory ready
//   write    every rank makes its shard durable
//   commit   rank 0, which was told lengths and digests, makes manifest and `latest` durable, then prunes
//
// The writing thread talks to no other rank.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "parallel/communicator.hpp"
#include "trainer/checkpoint/background/snapshot.hpp"
#include "trainer/checkpoint/background/writer.hpp"
#include "trainer/checkpoint/manifest/manifest.hpp"
#include "trainer/checkpoint/tensors/named_tensor.hpp"

namespace isobath {

/// Of a phase: whether this rank has done its part, or could not; summed over ranks: how many.
struct SaveVotes {
  int done = 0, failed = 0;
};

/// What a caller may add to a save. Called by rank 0's writing thread.
struct SaveHooks {
  std::function<void()> before_shards;                     ///< an error is one of the save
  std::function<std::vector<std::string>()> after_commit;  ///< returns what went wrong, a line each
};

/// How often a save that failed is tried again, and when: after `wait` seconds, then after twice as many each time, up
/// to kLongestWait. A full disk or a server that is away needs time; nobody but rank 0's writing thread waits.
struct Retries {
  static constexpr double kLongestWait = 60.0;

  int count = 0;
  double wait = 0.0;

  /// Seconds before the attempt after the `failures`-th failure, which counts from 1.
  double seconds_after(int failures) const;
};

/// How a save went on; equal on every rank but for `remarks`.
struct SaveNews {
  enum class Kind {
    Durable,   ///< the checkpoint counts
    Retrying,  ///< it could not be written, `error` says why, and is tried again
    GivenUp    ///< and is not tried again; older checkpoints are as they were
  };
  Kind kind = Kind::Durable;
  std::filesystem::path directory;
  std::string error;
  double wait = 0.0;                 ///< of Retrying: seconds until the next attempt
  std::vector<std::string> remarks;  ///< on rank 0: what went wrong without harm to the checkpoint
};

class BackgroundSaver {
 public:
  /// A save that fails is tried again from the same copy. `ranks` outlives the saver.
  BackgroundSaver(std::filesystem::path root, Retries retries, Communicator& ranks, SaveHooks hooks = {});
  /// Waits for what the disk does now, not for the next attempt.
  ~BackgroundSaver() { ends_.store(true); }

  /// Makes room for the copy, so that the first request takes no longer than later ones.
  void reserve(std::span<const NamedTensor> tensors);
  /// Copies and returns; nothing may be under way. All ranks call it after the same step; rank 0's state is saved.
  void request(const TrainingState& state, std::span<const NamedTensor> tensors);
  bool is_saving() const { return phase_ != Phase::None; }

  /// For the reduction of the step that comes. Zeros when nothing is under way.
  SaveVotes votes() const;
  /// Takes the sums of what votes() returned on every rank. Collective.
  std::optional<SaveNews> after_step(SaveVotes of_all);
  /// Waits for this rank's thread and then for all. Collective. Returns the next news; nothing when nothing is under
  /// way. After Retrying a save is under way still.
  std::optional<SaveNews> wait();

 private:
  enum class Phase { None, Prepare, Write, Commit };

  void enter(Phase phase);
  /// Collective; throws the StorageError that all agree on when any rank failed.
  std::optional<SaveNews> next_phase();
  std::optional<SaveNews> failed(const std::string& error);
  std::string work(Phase phase);
  /// Until the next attempt is due; no longer once the process is asked to stop, because its time is short then.
  void pause() const;
  std::string prepare();
  std::string write();
  std::string commit_all();

  std::filesystem::path root_;
  Retries retries_;
  Communicator& ranks_;
  SaveHooks hooks_;
  Phase phase_ = Phase::None;
  int failures_ = 0;  // of the save under way
  std::atomic<bool> ends_{false};
  Manifest plan_;
  std::filesystem::path directory_;
  Snapshot snapshot_;
  std::vector<std::string> reports_;  // of all ranks, on rank 0
  Writer writer_;                     // last: it ends first, and its jobs read what is above
};

}  // namespace isobath
