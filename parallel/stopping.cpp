#include "parallel/stopping.hpp"

#include "ops/core/stop.hpp"

namespace isobath {

StoppedOnRequest::StoppedOnRequest(const Communicator& ranks, const std::string& when, const std::string& then)
    : AgreedError(ExitCode::Requeue, text("stopped on request ", when, "; ", then), 0,
                  ranks.rank() == 0 ? Voice::Speaks : Voice::Silent) {}

void leave_if_asked(Communicator& ranks, const std::string& when, const std::string& then) {
  std::int32_t asked = stop_requested() ? 1 : 0;
  // before() and not wait(): the law that counts the host's waits for a device has nothing to do with this one.
  ranks.all_reduce({&asked, 1, DType::I32}, Reduce::Max).before(CpuQueue{});
  if (asked != 0) throw StoppedOnRequest(ranks, when, then);
}

}  // namespace isobath
