#include "parallel/self_communicator.hpp"

#include <cstring>

#include "ops/core/device_memory.hpp"
#include "parallel/transport/end_process.hpp"

namespace isobath {
namespace {

void copy(Buffer from, MutableBuffer to) {
  require(from.count == to.count && from.dtype == to.dtype && from.device == to.device,
          "collective over one rank: ", from.count, ' ', name_of(from.dtype), " on ", from.device, " into ", to.count,
          ' ', name_of(to.dtype), " on ", to.device);
  if (from.count == 0 || from.device.is_meta() || from.data == to.data) return;
  if (from.device.is_cpu())
    std::memmove(to.data, from.data, from.bytes());
  else
    cuda_copy(from.device, to.data, from.data, from.bytes(), CopyKind::DeviceToDevice);
}

void check(Root root) { require(root.rank == 0, "root ", root.rank, " of 1 rank"); }

}  // namespace

Collective SelfCommunicator::all_reduce(MutableBuffer, Reduce) { return {}; }

Collective SelfCommunicator::reduce_scatter(Buffer whole, MutableBuffer mine, Reduce) {
  copy(whole, mine);
  return {};
}

Collective SelfCommunicator::all_gather(Buffer mine, MutableBuffer whole) {
  copy(mine, whole);
  return {};
}

Collective SelfCommunicator::broadcast(MutableBuffer, Root root) {
  check(root);
  return {};
}

std::vector<std::vector<std::byte>> SelfCommunicator::gather(std::span<const std::byte> mine, Root root) {
  check(root);
  return {{mine.begin(), mine.end()}};
}

std::unique_ptr<Communicator> SelfCommunicator::split(Color) { return std::make_unique<SelfCommunicator>(); }

void SelfCommunicator::abort(ExitCode code) noexcept { end_process(code); }

}  // namespace isobath
