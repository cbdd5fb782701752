#pragma once
// restarts.jsonl: a line for every start of a run, so that one that fails again and again at the same place ends.

#include <cstdint>
#include <filesystem>

namespace isobath {

struct Start {
  std::int64_t step = 0;  ///< steps that were done when it began
  int world = 1;          ///< ranks
};

/// Appends {"time", "step", "world"} to `file`, durably. When the last `most` lines have the same step, throws Error
/// (93) instead, which says how to go on; 0: never. A torn last line counts as none. StorageError when the file cannot
/// be written.
void note_start(const std::filesystem::path& file, const Start& start, std::int64_t most);

}  // namespace isobath
