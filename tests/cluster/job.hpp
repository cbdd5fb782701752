#pragma once
// A job that tests can change.

#include "cluster/slurm/job.hpp"
#include "cluster/slurm/submission.hpp"

namespace isobath::test {

inline Job one_run(const std::filesystem::path& directory = "/home/me/work") {
  Job job;
  job.name = "small";
  job.directory = directory;
  job.program = "/opt/isobath/isobath";
  job.config = "run.yaml";
  job.runs = {{"runs/small", {}}};
  return job;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace isobath::test
