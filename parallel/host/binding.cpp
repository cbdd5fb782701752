#include "parallel/host/binding.hpp"

#include <algorithm>
#include <fstream>
#include <tuple>

#include <sched.h>

namespace isobath {
namespace {

int topology(int core, const char* name, int otherwise) {
  std::ifstream file(text("/sys/devices/system/cpu/cpu", core, "/topology/", name));
  int value = otherwise;
  return file >> value ? value : otherwise;
}

bool share_a_host(const Place& one, const Place& other) { return one.host == other.host; }

std::string counted(int count, const char* what) { return text(count, ' ', what, count == 1 ? "" : "s"); }

}  // namespace

CoreSite site_of(int core) { return {topology(core, "physical_package_id", 0), topology(core, "core_id", core)}; }

std::vector<int> neighbours_together(std::vector<int> cores, const std::function<CoreSite(int)>& site) {
  std::vector<std::tuple<int, int, int>> places;
  for (const int core : cores) {
    const CoreSite where = site(core);
    places.emplace_back(where.package, where.core, core);
  }
  std::sort(places.begin(), places.end());
  std::transform(places.begin(), places.end(), cores.begin(), [](const auto& place) { return std::get<2>(place); });
  return cores;
}

bool openmp_has_orders(const Environment& environment) {
  const auto names = {"OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY"};
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return environment.contains(name); });
}

std::vector<int> cores_to_bind(const std::vector<Place>& places, std::size_t mine, int threads) {
  std::size_t sharing = 0, least = places[mine].cores.size();
  for (std::size_t rank = 0; rank < places.size(); ++rank) {
    if (!share_a_host(places[rank], places[mine])) continue;
    if (places[rank].cores != places[mine].cores) return {};
    ++sharing;
    least = std::min(least, cores_of(places, rank).size());
  }
  const bool has_room = places[mine].cores.size() >= sharing && least >= static_cast<std::size_t>(threads);
  return sharing > 1 && has_room ? cores_of(places, mine) : std::vector<int>{};
}

bool bind_to(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) {
    if (core >= CPU_SETSIZE) return false;
    CPU_SET(core, &set);
  }
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

std::string cores_text(std::vector<int> cores) {
  std::sort(cores.begin(), cores.end());
  std::string out;
  for (std::size_t begin = 0, end = 0; begin < cores.size(); begin = end) {
    for (end = begin + 1; end < cores.size() && cores[end] == cores[end - 1] + 1;) ++end;
    out += text(out.empty() ? "" : ",", cores[begin]);
    if (end - begin > 1) out += text('-', cores[end - 1]);
  }
  return out;
}

std::string ranks_text(const std::vector<Place>& places, const std::vector<std::vector<int>>& bound, int threads) {
  const Standing first = standing(places, 0);
  std::string out = text(counted(static_cast<int>(places.size()), "rank"), " on ", counted(first.hosts, "host"), ", ",
                         counted(threads, "thread"), " each");
  const bool are_bound = !bound.empty() && !bound[0].empty();
  out += text("; on ", places[0].host, are_bound ? " bound to cores " : " not bound, on cores ");
  bool is_first = true;
  for (std::size_t rank = 0; rank < places.size(); ++rank) {
    if (!share_a_host(places[rank], places[0])) continue;
    out += text(is_first ? "" : " | ", cores_text(are_bound ? bound[rank] : places[rank].cores));
    is_first = false;
  }
  return out;
}

}  // namespace isobath
