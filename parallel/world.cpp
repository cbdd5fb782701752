#include "parallel/world.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string_view>

#include <sched.h>
#include <unistd.h>

#include "parallel/exchange.hpp"
#include "parallel/host/binding.hpp"

extern "C" char** environ;

namespace isobath {
namespace {

int number(const Environment& environment, const std::string& name, int otherwise) {
  const auto found = environment.find(name);
  if (found == environment.end() || found->second.empty()) return otherwise;
  return std::atoi(found->second.c_str());
}

// Slurm's run-length list, e.g. "2(x3),1": tasks of each node. The entry of node `index`, or 1.
int entry_of(const std::string& list, int index) {
  std::istringstream in(list);
  for (std::string entry; std::getline(in, entry, ',');) {
    const auto times = entry.find("(x");
    index -= times == std::string::npos ? 1 : std::max(1, std::atoi(entry.c_str() + times + 2));
    if (index < 0) return std::max(1, std::atoi(entry.c_str()));
  }
  return 1;
}

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string pack(const Place& place) {
  std::string packed = place.host;
  for (const int core : place.cores) packed += text('\t', core);
  return packed;
}

Place unpack(const std::string& packed) {
  std::istringstream in(packed);
  Place place;
  std::getline(in, place.host, '\t');
  for (int core = 0; in >> core;) place.cores.push_back(core);
  return place;
}

}  // namespace

Environment process_environment() {
  Environment all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view line = *entry;
    const auto equals = line.find('=');
    if (equals != std::string_view::npos) all.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return all;
}

bool launched_by_mpi(const Environment& environment) {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_FD"})
    if (environment.contains(name)) return true;
  return false;
}

std::string launch_mistake(const Environment& environment, int world_size) {
  // Only srun sets the step's number of tasks; mpirun inside an allocation passes on that of its own daemons.
  const int tasks = number(environment, "SLURM_STEP_NUM_TASKS", 1);
  if (tasks <= 1 || world_size == tasks || environment.contains("OMPI_COMM_WORLD_SIZE")) return "";
  return text("srun started ", tasks, " tasks, but MPI connects ", world_size,
              " of them; start with srun --mpi=pmix, or with mpirun");
}

int launched_rank(const Environment& environment) {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})
    if (const int rank = number(environment, name, -1); rank >= 0) return rank;
  return 0;
}

LocalRank local_rank(const Environment& environment) {
  const int by_open_mpi = number(environment, "OMPI_COMM_WORLD_LOCAL_SIZE", 0);
  if (by_open_mpi > 0) return {number(environment, "OMPI_COMM_WORLD_LOCAL_RANK", 0), by_open_mpi};
  const int by_mpich = number(environment, "MPI_LOCALNRANKS", 0);
  if (by_mpich > 0) return {number(environment, "MPI_LOCALRANKID", 0), by_mpich};
  const auto tasks = environment.find("SLURM_STEP_TASKS_PER_NODE");
  if (tasks == environment.end()) return {};
  return {number(environment, "SLURM_LOCALID", 0), entry_of(tasks->second, number(environment, "SLURM_NODEID", 0))};
}

std::vector<int> available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &set)) cores.push_back(core);
  // A machine with more cores than a cpu_set_t names fails the call.
  if (cores.empty())
    for (int core = 0; core < std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)); ++core) cores.push_back(core);
  return cores;
}

HostShare host_share(const std::vector<Place>& places, std::size_t mine) {
  std::map<int, int> users;  // of each core of the host
  HostShare share{0, 0, 0};
  for (const Place& place : places) {
    if (place.host != places[mine].host) continue;
    ++share.ranks;
    for (const int core : place.cores) ++users[core];
  }
  double part = 0;
  for (const int core : places[mine].cores) part += 1.0 / users[core];
  constexpr double kRounding = 1e-6;  // thirds add up to a little less than a whole
  share.cores = static_cast<int>(users.size());
  share.threads = std::max(1, static_cast<int>(std::floor(part + kRounding)));
  return share;
}

std::vector<Place> gather_places(Communicator& ranks) {
  std::vector<Place> places;
  const Place mine{host_name(), neighbours_together(available_cores())};
  for (const std::string& packed : all_gather_text(ranks, pack(mine))) places.push_back(unpack(packed));
  return places;
}

Standing standing(const std::vector<Place>& places, std::size_t mine) {
  std::map<std::string, int> hosts;  // number by name
  for (const Place& place : places) hosts.emplace(place.host, static_cast<int>(hosts.size()));
  Standing out{hosts.at(places[mine].host), static_cast<int>(hosts.size()), 0, 0};
  for (std::size_t rank = 0; rank < places.size(); ++rank) {
    if (places[rank].host != places[mine].host) continue;
    ++out.local_size;
    if (rank < mine) ++out.local_rank;
  }
  return out;
}

std::vector<int> cores_of(const std::vector<Place>& places, std::size_t mine) {
  const std::vector<int>& all = places[mine].cores;
  std::size_t sharing = 0, index = 0;
  for (std::size_t rank = 0; rank < places.size(); ++rank) {
    if (places[rank].host != places[mine].host || places[rank].cores != all) continue;
    ++sharing;
    if (rank < mine) ++index;
  }
  if (sharing > all.size()) return {all[index % all.size()]};
  const auto begin = all.begin();
  return {begin + static_cast<std::ptrdiff_t>(all.size() * index / sharing),
          begin + static_cast<std::ptrdiff_t>(all.size() * (index + 1) / sharing)};
}

int device_of(int local_rank, int visible_devices) {
  require(local_rank >= 0 && visible_devices > 0, "local rank ", local_rank, " and ", visible_devices, " devices");
  return local_rank % visible_devices;
}

std::string oversubscription_warning(const HostShare& host, int threads) {
  if (host.ranks * threads <= host.cores) return "";
  return text(host.ranks, " rank", host.ranks == 1 ? "" : "s", " of ", threads, " thread", threads == 1 ? "" : "s",
              " on this host have ", host.cores, " core", host.cores == 1 ? "" : "s",
              " between them: it works, but slower than with no more threads than cores");
}

}  // namespace isobath
