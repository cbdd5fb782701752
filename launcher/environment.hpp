#pragma once

namespace isobath {

/// Settles what libraries read from the environment before main: OpenMP's barriers spin briefly and then sleep, so that
/// ranks which share cores do not starve each other. When something has to be set the program starts itself anew with
/// the same arguments, once.
void settle_environment(char** arguments);

}  // namespace isobath
