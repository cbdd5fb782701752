#pragma once
// Saving and loading a training state. Any world size reads any checkpoint, into whole tensors or into parts
// (tensors/named_tensor.hpp).
//
// A save commits in this order: every rank writes its shard under a temporary name, closes and syncs it, renames it and
// syncs the directory; rank 0 collects lengths and digests and does the same with the manifest, then with `latest`, a
// hint for people. Only then may older checkpoints go (catalog/prune.hpp).

#include <filesystem>
#include <span>

#include "parallel/communicator.hpp"
#include "trainer/checkpoint/manifest/training_state.hpp"
#include "trainer/checkpoint/tensors/named_tensor.hpp"

namespace isobath {

/// Writes `root`/step-N for N = state.step and returns that path. All ranks call it with equal arguments, but
/// for what lies in memory; it waits for all of them. `root` is created when missing. A checkpoint that stands at the
/// same step is replaced once the new one is whole. Throws the same StorageError on every rank when any of them fails:
/// what was whole before still is, and the unfinished step has no manifest, so it does not count. InternalError when
/// the ranks' tensors differ, or a name is used twice, or parts do not fit.
std::filesystem::path save_checkpoint(const std::filesystem::path& root, const TrainingState& state,
                                      std::span<const NamedTensor> tensors, Communicator& ranks);

/// What to do with tensors of the checkpoint that were not asked for: refuse when resuming, ignore when evaluating the
/// weights alone.
enum class Unlisted { Refuse, Ignore };

/// Reads the checkpoint in `directory` into `tensors` and returns its state. All ranks call it, each with what it
/// holds; it reads no range that it holds nothing of, and compares every range that it reads with its digest in memory.
/// Throws the same StorageError on every rank: all missing, unexpected and misshapen tensors at once, before anything
/// is read; or what is damaged, by file, tensor and range, and then the tensors' contents are undefined.
TrainingState load_checkpoint(const std::filesystem::path& directory, std::span<const NamedTensor> tensors,
                              Communicator& ranks, Unlisted unlisted = Unlisted::Refuse);

}  // namespace isobath
