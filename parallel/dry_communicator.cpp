#include "parallel/dry_communicator.hpp"

#include "parallel/transport/end_process.hpp"

namespace isobath {
namespace {

Collective nothing_to_do(Device device) {
  require(device.is_meta(), "a dry run's collective over ", device, " memory");
  return {};
}

[[noreturn]] void no_answer(const char* what) { throw InternalError(text(what, " among ranks that are not there")); }

}  // namespace

Collective DryCommunicator::all_reduce(MutableBuffer data, Reduce) { return nothing_to_do(data.device); }
Collective DryCommunicator::reduce_scatter(Buffer whole, MutableBuffer, Reduce) { return nothing_to_do(whole.device); }
Collective DryCommunicator::all_gather(Buffer, MutableBuffer whole) { return nothing_to_do(whole.device); }
Collective DryCommunicator::broadcast(MutableBuffer data, Root) { return nothing_to_do(data.device); }

std::vector<std::vector<std::byte>> DryCommunicator::gather(std::span<const std::byte>, Root) { no_answer("a gather"); }
void DryCommunicator::barrier() { no_answer("a barrier"); }
std::unique_ptr<Communicator> DryCommunicator::split(Color) { no_answer("a split"); }
void DryCommunicator::abort(ExitCode code) noexcept { end_process(code); }

}  // namespace isobath
