#pragma once
#include <stdexcept>
#include <string>

#include "tests/emulated/device/collectives.hpp"

namespace isobath::emulated {

/// A kernel did what the device does not define: a barrier that not all threads reach, a collective with absent lanes.
/// Thrown to the host by the launch; the message says which block, which threads, which line.
struct Fault : std::logic_error {
  using std::logic_error::logic_error;
};

/// "file:line in function".
std::string place(const Where& where);

}  // namespace isobath::emulated
