#pragma once
// Which cores a rank keeps to. Threads that wander over a host lose their caches and, with several sockets, their
// memory; ranks that were given cores by a launcher, Slurm or taskset are left as they are.

#include <functional>
#include <string>
#include <vector>

#include "parallel/world.hpp"

namespace isobath {

/// Where a core sits: hardware threads of one core have equal sites.
struct CoreSite {
  int package = 0;
  int core = 0;
  bool operator==(const CoreSite&) const = default;
};
/// As the kernel says it; a package of its number alone where it says nothing.
CoreSite site_of(int core);

/// `cores` in an order in which neighbours are near each other: by package, then core, then number.
std::vector<int> neighbours_together(std::vector<int> cores, const std::function<CoreSite(int)>& site = site_of);

/// Whether somebody told OpenMP where its threads go (OMP_PROC_BIND, OMP_PLACES, GOMP_CPU_AFFINITY).
bool openmp_has_orders(const Environment& environment);

/// The cores that the rank at `mine` binds itself to: its part of the host's, see cores_of, out of what it may use
/// already. Empty, so that it is left alone, where binding could cost something: it is the only rank of its host; the
/// ranks of the host may not all use the same cores, so a launcher has dealt them out; or some rank's part would have
/// fewer cores than its `threads`.
std::vector<int> cores_to_bind(const std::vector<Place>& places, std::size_t mine, int threads);

/// Binds this thread and those that it starts from now on. Returns whether the kernel let it.
bool bind_to(const std::vector<int>& cores);

/// Ascending, runs as "0-3", e.g. "0-3,8".
std::string cores_text(std::vector<int> cores);

/// One line about the ranks, and the cores of those on rank 0's host: "4 ranks on 2 hosts, 2 threads each; on n1 bound
/// to cores 0-1 | 2-3". `bound` has the result of cores_to_bind for each rank, or nothing at all when none binds.
std::string ranks_text(const std::vector<Place>& places, const std::vector<std::vector<int>>& bound, int threads);

}  // namespace isobath
