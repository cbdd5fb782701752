#include "trainer/run/device_ranks.hpp"

#include <algorithm>

#include "ops/core/device_memory.hpp"
#include "parallel/nccl_communicator.hpp"
#include "parallel/self_communicator.hpp"
#include "parallel/world.hpp"

namespace isobath {

Device device_of(DeviceChoice choice) {
  if (choice == DeviceChoice::Cpu) return Device::cpu();
  const int devices = cuda_device_count();
  if (devices == 0)
    throw BackendError(text("system.device is cuda, but ", cuda_status(), "; choose cpu, or run where there is a GPU"));
  return Device::cuda(device_of(local_rank(process_environment()).rank, devices));
}

std::unique_ptr<Communicator> ranks_on_device(Device device, Communicator& host, const WatchdogConfig& limits) {
  if (!device.is_cuda()) return nullptr;
  if (host.size() == 1) return std::make_unique<SelfCommunicator>();
  return nccl_communicator(host, device,
                           {.start = limits.start_up, .collective = std::max(limits.first_step, limits.step)});
}

}  // namespace isobath
