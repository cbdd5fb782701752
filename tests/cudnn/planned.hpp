#pragma once
// What the real cuDNN makes of a graph for a device that is not there.

#include <string>

#include "ops/sdpa/cudnn_graph.hpp"

namespace isobath::test {

/// A device, by the facts that cuDNN asks the driver for.
struct DeviceFacts {
  const char* name;
  int sm;  ///< compute capability times 10
  int multiprocessors;
  int shared_bytes;  ///< of a block, at most
  int clock_khz, memory_clock_khz;
  int l2_bytes;
  int pci_id;
};

inline constexpr DeviceFacts kH100{"NVIDIA H100 80GB HBM3", 90, 132, 232448, 1980000, 2619000, 52428800, 9008};
inline constexpr DeviceFacts kA100{"NVIDIA A100-SXM4-80GB", 80, 108, 166912, 1410000, 1593000, 41943040, 8370};

/// The answer to a graph.
struct Planned {
  std::string refusal;     ///< empty when cuDNN took the graph and proposed kernels
  int proposed = 0;        ///< kernels
  int generated = 0;       ///< of those, whose code was generated, up to its loading into the absent device
  std::string last_words;  ///< about one that was not generated
};

/// cuDNN's version as one number, 91900 for 9.19.0.
std::size_t cudnn_number();
/// Why this machine cannot be asked; empty when it can.
std::string cannot_plan();
/// Has cuDNN check the graph, which is for a device of that capability, and generate the code of every kernel that it
/// proposes for it.
Planned planned(const kernel::SdpaGraph& graph, const DeviceFacts& device);

}  // namespace isobath::test
