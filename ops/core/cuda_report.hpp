#pragma once
// What a machine has for CUDA, in words and figures for people. A build without CUDA links no_cuda.cpp, whose report
// says so.

#include <cstdint>
#include <string>
#include <vector>

namespace isobath {

struct CudaDeviceReport {
  std::string name;
  std::int64_t bytes = 0;  ///< of memory
  int multiprocessors = 0;
  int major = 0, minor = 0;  ///< compute capability
  std::string links;         ///< NVLink, or why nothing is known of it
};

struct CudaReport {
  std::string driver;   ///< version, or what stands in its place
  std::string runtime;  ///< version of the CUDA runtime that isobath is linked with, or why there is none
  std::vector<CudaDeviceReport> devices;
};

/// Asks driver, runtime and devices. What is absent is an answer, never an error.
CudaReport cuda_report();

}  // namespace isobath
