#pragma once
// What a machine can do at best, measured before a step is held against it.

#include "configs/schema/system_config.hpp"
#include "ops/core/device.hpp"
#include "parallel/communicator.hpp"

namespace isobath {

/// FLOP/s of the best of many matrix products, f32 or bf16 summed in f32. On the CPU 2048 x 3072 x 768 with this
/// thread's kernel threads; on a CUDA device squares of 256, 512, ... up to 8192 columns, the last one that which takes
/// more than some milliseconds.
double measure_peak(DTypeChoice dtype, Device device = Device::cpu());

/// Bytes per second, read and written, of the best copy between arrays that no cache holds whole. On a CUDA device, of
/// 2^16, 2^18, ... up to 2^28 floats, the last one that which takes more than some milliseconds.
double measure_bandwidth(Device device = Device::cpu());

/// Bytes per second that cross each rank's link in an all-reduce of `count` floats: 2 (N - 1) / N of them do among N
/// ranks, whatever the algorithm (NCCL's tests call it bus bandwidth). Best of a few; 0 for one rank. Collective.
double measure_bus_bandwidth(Communicator& ranks, std::int64_t count, Device device = Device::cpu());

}  // namespace isobath
