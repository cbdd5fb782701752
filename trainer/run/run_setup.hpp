#pragma once
// From files to what every rank trains with: rank 0 reads, all receive, all agree, or all end with the same error.

#include <filesystem>
#include <functional>
#include <string>

#include "configs/yaml/run_config.hpp"
#include "data/dataset.hpp"
#include "parallel/communicator.hpp"

namespace isobath {

struct RunSetup {
  ResolvedConfig resolved;    ///< as given
  RunConfig config;           ///< with model.vocabulary resolved
  std::string config_text;    ///< YAML that reads back as the configuration as given, with the source of every value
  std::string config_digest;  ///< of the fields that a resumed run keeps
  DatasetHeader header;
  Dataset dataset;
};

/// Where the parts of a run lie: output/name and below.
struct RunPaths {
  std::filesystem::path root;

  explicit RunPaths(const RunConfig& config) : root(std::filesystem::path(config.output) / config.name) {}
  explicit RunPaths(std::filesystem::path root) : root(std::move(root)) {}
  std::filesystem::path config() const { return root / "config.yaml"; }
  std::filesystem::path metrics() const { return root / "metrics.jsonl"; }
  std::filesystem::path restarts() const { return root / "restarts.jsonl"; }
  std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  std::filesystem::path evaluation() const { return root / "evaluation.json"; }
};

/// Collective. `read` is called by rank 0 alone and may throw; the others parse its text. Checks the configuration
/// against dataset and ranks: the vocabulary fits, the context fits, every rank has a sequence, the device is there.
/// Every rank throws the same error or none does.
RunSetup set_up_run(const std::function<ResolvedConfig()>& read, Communicator& ranks);

/// Makes the run directory and keeps the configuration there, by rank 0. Throws, on every rank, when the run exists
/// with another configuration in what a resumed run must keep, or a new run may not branch off where it says
/// (ConfigError's text, code 78), or StorageError's when it
/// cannot be written.
void open_run_directory(const RunSetup& setup, Communicator& ranks);

/// All ranks compare version, configuration, dataset, threads and dtype; throws PeerError on every rank, naming the
/// rank that differs.
void agree_on_setup(const RunSetup& setup, int threads, Communicator& ranks);

}  // namespace isobath
