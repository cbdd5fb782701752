#pragma once
#include "configs/yaml/run_config.hpp"
#include "ops/core/error.hpp"

namespace isobath {

struct DryRunRequest {
  int ranks = 1;
  bool as_json = false;
};

/// Prints the configuration with the source of every value, then parameters, FLOPs and memory, and trains nothing.
ExitCode print_dry_run(const ResolvedConfig& resolved, const DryRunRequest& request);

}  // namespace isobath
