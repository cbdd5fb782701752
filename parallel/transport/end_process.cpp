#include "parallel/transport/end_process.hpp"

#include <cstdio>

#include <unistd.h>

namespace isobath {

void end_process(ExitCode code) noexcept {
  // A stream that another thread holds is left alone: that thread may be the one that hangs.
  for (std::FILE* stream : {stdout, stderr}) {
    if (ftrylockfile(stream) != 0) continue;
    std::fflush(stream);
    funlockfile(stream);
  }
  ::_exit(static_cast<int>(code));
}

}  // namespace isobath
