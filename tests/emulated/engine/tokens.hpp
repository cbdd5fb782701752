#pragma once
// The names under which TSan is told what orders what: the launch, each barrier, each __syncwarp. Every meeting gets a
// name that was not used for long, since a reused one would order things that nothing orders and so hide a race.

#include <cstddef>
#include <vector>

namespace isobath::emulated {

struct Tokens {
  char* begin = nullptr;     ///< the host's work before the grid
  char* end = nullptr;       ///< the grid's work before the host's
  char* barrier = nullptr;   ///< of the next __syncthreads
  std::vector<char*> warps;  ///< of the next collective of each warp

  char* fresh() { return &ring_[++used_ % ring_.size()]; }

 private:
  std::vector<char> ring_ = std::vector<char>(1 << 16);
  std::size_t used_ = 0;
};

}  // namespace isobath::emulated
