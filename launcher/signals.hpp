#pragma once

namespace isobath {

/// From here on USR2, USR1, TERM and INT ask the process to save and end (ops/core/stop.hpp) instead of ending it. A
/// second INT ends it at once, with code 130. Call it once, on the main thread, before there are others.
void stop_on_signals();

}  // namespace isobath
