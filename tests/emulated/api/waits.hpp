#pragma once
// How often calls have made the host wait, and have given work to streams, as the runtime itself sees it: nobody waits
// past isobath's own count unseen.

#include <cstdint>

namespace isobath::emulated {

/// Calls of this thread that the manual lets block until queued work has run: cudaStreamSynchronize,
/// cudaEventSynchronize, cudaDeviceSynchronize, cudaMemcpy, and copies to pageable memory of the host.
std::int64_t waits();
void note_wait();

/// Calls of this thread that queued a kernel, a copy, a memset, a product or a graph. What is captured is not queued.
std::int64_t launches();
void note_launch();

}  // namespace isobath::emulated
