#pragma once
// What checkpoints cost, each figure against what the same machine does without isobath, in one run. Both sides of a
// figure take turns; its ratio is that of their medians. Times are those of the slowest rank.
//
//   stall      the request of an asynchronous save  /  one memcpy of the rank's bytes between touched buffers
//   training   tokens/s from a request until the save is durable  /  tokens/s of as many steps without a save
//   writing    bytes/s of a save in the foreground, manifest and all  /  bytes/s of write() of zeros, 16 MiB at a time,
//              into one file per rank of as many bytes, and fsync: what dd if=/dev/zero bs=16M conv=fsync does
//   loading    load_checkpoint with every digest  /  one read() of as many bytes of the shards into touched memory,
//              16 MiB at a time; page cache warm for both

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "configs/schema/run_config.hpp"
#include "parallel/communicator.hpp"

namespace isobath {

struct CheckpointBenchOptions {
  ModelConfig model;        ///< with its vocabulary
  std::int64_t batch = 12;  ///< sequences over all ranks
  std::int64_t rounds = 7;  ///< alternations of each figure
  ParallelConfig parallel;  ///< of which ZeRO decides what a rank holds
  std::filesystem::path directory =
      ".";  ///< on the file system to be measured; a folder of its own is made and removed
};

enum class Goal { AtMost, AtLeast };

struct CheckpointBenchRow {
  std::string figure, against;
  std::int64_t amount = 0;  ///< bytes of the rank that has most to move; of training: tokens of the last round
  double seconds = 0.0;     ///< median; of training: of one step
  double reference_seconds = 0.0;
  double ratio = 0.0;  ///< seconds over the reference's for AtMost, rates for AtLeast: the inverse
  Goal goal = Goal::AtMost;
  double limit = 0.0;
  bool is_met() const { return goal == Goal::AtMost ? ratio <= limit : ratio >= limit; }
};

/// Both sides of one figure, in turns.
struct Alternation {
  std::vector<double> seconds, reference_seconds;
};

/// Medians and their ratio, of at least one round.
CheckpointBenchRow summarize(CheckpointBenchRow row, const Alternation& rounds);

/// The four rows above, on weights and moments of a model that trains. Collective; rows are equal on all ranks. Throws
/// StorageError on every rank when the directory cannot be written.
std::vector<CheckpointBenchRow> bench_checkpoints(const CheckpointBenchOptions& options, Communicator& ranks);

}  // namespace isobath
