#pragma once
// Checkpoints are written from host memory and read into it; this is the way between it and a device.

#include <span>
#include <vector>

#include "trainer/checkpoint/tensors/named_tensor.hpp"

namespace isobath {

/// The same list in host memory: tensors on the CPU as they are, copies of the others. Waits for the device.
std::vector<NamedTensor> on_host(std::span<const NamedTensor> tensors);

/// Values of `host`, made by on_host(tensors), into the tensors that it copied.
void copy_back(std::span<const NamedTensor> host, std::span<const NamedTensor> tensors);

}  // namespace isobath
