#include "tests/emulated/api/waits.hpp"

namespace isobath::emulated {
namespace {
thread_local std::int64_t noted = 0, queued = 0;
}

std::int64_t waits() { return noted; }
void note_wait() { ++noted; }

std::int64_t launches() { return queued; }
void note_launch() { ++queued; }

}  // namespace isobath::emulated
