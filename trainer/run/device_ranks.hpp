#pragma once
// Where a rank computes, and what reaches the memory there.

#include <memory>

#include "configs/schema/system_config.hpp"
#include "configs/schema/watchdog_config.hpp"
#include "ops/core/device.hpp"
#include "parallel/communicator.hpp"

namespace isobath {

/// The CPU, or of the CUDA devices that this rank sees its own: its local rank modulo their number. Throws BackendError
/// when there is none.
Device device_of(DeviceChoice choice);

/// A communicator over the memory of `device` too, among the ranks of `host`, which outlives it; null where `host`
/// itself does. Collective. Throws what nccl_communicator() throws.
std::unique_ptr<Communicator> ranks_on_device(Device device, Communicator& host, const WatchdogConfig& limits);

}  // namespace isobath
