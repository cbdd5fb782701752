#pragma once
#include <string>
#include <vector>

namespace isobath {

/// One line of `isobath doctor`: what was looked at, what was found, and what to do when that is a lack.
struct Finding {
  std::string what;
  std::string found;
  std::string advice;
};

/// Driver, devices, NCCL and cuDNN, each with a line of its own when it is absent.
std::vector<Finding> gpu_findings();

}  // namespace isobath
