#pragma once
// Ranks that are threads of one process: transfers are copies between their buffers.

#include <memory>

#include "parallel/transport/transport.hpp"

namespace isobath {

class ThreadGroup;

/// Where `size` threads meet. Breaking it wakes all that wait in it and in the groups split from it.
std::shared_ptr<ThreadGroup> make_thread_group(int size);

/// The end of rank `rank` in `group`. A rank whose transport is destroyed has left: whoever waits for it then throws
/// PeerError.
std::unique_ptr<Transport> make_thread_transport(std::shared_ptr<ThreadGroup> group, int rank);

}  // namespace isobath
