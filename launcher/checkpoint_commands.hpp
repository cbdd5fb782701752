#pragma once
// What `isobath checkpoint ...` does.

#include <filesystem>
#include <string>

#include "ops/core/error.hpp"

namespace isobath {

struct CheckpointArguments {
  std::filesystem::path directory;
  std::filesystem::path output;
  int shards = 1;
  bool as_json = false;
};

/// All checkpoints of a run, newest first: whole by size, or why not.
ExitCode list_checkpoints(const CheckpointArguments& arguments);
/// What one holds.
ExitCode inspect_checkpoint(const CheckpointArguments& arguments);
/// Reads every byte of one; ExitCode::Storage when something is damaged.
ExitCode verify_one(const CheckpointArguments& arguments);

}  // namespace isobath
