#pragma once
// Arithmetic about ranks: who started them, who shares a machine, how many threads each may use.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "parallel/communicator.hpp"

namespace isobath {

/// Environment variables by name.
using Environment = std::map<std::string, std::string>;
Environment process_environment();

/// Whether a launcher (mpirun, or srun with PMI or PMIx) started this process, so that MPI must be initialised. Without
/// one a run is a single rank, and MPI would only cost time.
bool launched_by_mpi(const Environment& environment);

/// Empty, or why MPI sees `world_size` ranks although Slurm started another number: then every rank believes to be
/// alone, and all of them would write the same files.
std::string launch_mistake(const Environment& environment, int world_size);

/// The number of this process among all ranks, as its launcher says it before MPI does; 0 when none does.
int launched_rank(const Environment& environment);

/// The ranks on this host: mine among them, and how many.
struct LocalRank {
  int rank = 0;
  int size = 1;
};
/// As Open MPI, MPICH or Slurm say it (in this order); {0, 1} when none does.
LocalRank local_rank(const Environment& environment);

/// The cores that this process may run on, ascending.
std::vector<int> available_cores();

/// What a rank says about its place.
struct Place {
  std::string host;
  std::vector<int> cores;
};

/// That of every rank, its cores in an order in which neighbours are near each other; every rank calls it.
std::vector<Place> gather_places(Communicator& ranks);

/// The host of one rank.
struct HostShare {
  int ranks = 1;    ///< on this host
  int cores = 1;    ///< that any of them may use
  int threads = 1;  ///< this rank's part of the cores
};
/// For the rank at `mine`. Each core of its own counts by 1 / (ranks of the host that may use it too), so ranks bound
/// to cores of their own use all of them, and ranks that float over the host share it. At least 1 thread.
HostShare host_share(const std::vector<Place>& places, std::size_t mine);

/// A rank's place in the hierarchy of hosts, which count in the order of their lowest ranks.
struct Standing {
  int host = 0;
  int hosts = 1;
  int local_rank = 0;  ///< among the host's ranks, in the order of ranks
  int local_size = 1;
};
/// For the rank at `mine`; needs no launcher's word, and holds where ranks are dealt to hosts in any order.
Standing standing(const std::vector<Place>& places, std::size_t mine);

/// The cores that the rank at `mine` keeps for itself: where k ranks of a host may use the same ones, the i-th of them
/// gets the i-th of k equal runs of neighbours; with more ranks than cores, core i mod cores. A rank that was bound to
/// cores of its own keeps them.
std::vector<int> cores_of(const std::vector<Place>& places, std::size_t mine);

/// The GPU of a rank: ranks of a host take turns at those that they can see. Throws InternalError when there are none.
int device_of(int local_rank, int visible_devices);

/// One line for the user when `threads` on each rank of the host need more than its cores; otherwise empty.
std::string oversubscription_warning(const HostShare& host, int threads);

}  // namespace isobath
