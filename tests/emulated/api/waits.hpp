#pragma once
// How often calls have made the host wait, as the runtime itself sees it: nobody waits past isobath's own count unseen.

#include <cstdint>

namespace isobath::emulated {

/// Calls of this thread that the manual lets block until queued work has run: cudaStreamSynchronize,
/// cudaEventSynchronize, cudaDeviceSynchronize, cudaMemcpy, and copies to pageable memory of the host.
std::int64_t waits();
void note_wait();

}  // namespace isobath::emulated
