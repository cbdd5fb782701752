#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include <CLI/CLI.hpp>

#include "launcher/command.hpp"
#include "launcher/gpu_findings.hpp"
#include "ops/core/cpu/onednn_version.hpp"
#include "ops/core/files/json.hpp"
#include "parallel/host/binding.hpp"

namespace isobath {
namespace {

std::string memory_text() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  long long kibibytes = 0;
  while (file >> key >> kibibytes) {
    if (key == "MemAvailable:") return text(kibibytes / 1024, " MiB available");
    file.ignore(64, '\n');
  }
  return "unknown";
}

std::string disk_text() {
  std::error_code failed;
  const auto space = std::filesystem::space(".", failed);
  return failed ? "unknown: " + failed.message() : text(space.available >> 20, " MiB free here");
}

/// What training would do with the ranks of this host, if they may all use the same cores.
Finding cores_of_this(const LocalRank& local) {
  const std::vector<int> cores = neighbours_together(available_cores());
  const std::vector<Place> places(static_cast<std::size_t>(local.size), Place{"here", cores});
  const auto mine = static_cast<std::size_t>(local.rank);
  Finding finding{"cores",
                  text(cores.size(), " for this process (", cores_text(cores), "), ", local.size,
                       local.size == 1 ? " rank" : " ranks", " on this host"),
                  ""};
  const std::vector<int> bound = cores_to_bind(places, mine, host_share(places, mine).threads);
  if (openmp_has_orders(process_environment()))
    finding.advice = "threads go where OMP_PROC_BIND, OMP_PLACES or GOMP_CPU_AFFINITY say";
  else if (!bound.empty())
    finding.advice = text("training binds this rank to cores ", cores_text(bound), ", see system.bind");
  return finding;
}

std::vector<Finding> examine() {
  const LocalRank local = local_rank(process_environment());
  std::vector<Finding> findings;
  findings.push_back({"isobath", ISOBATH_VERSION, ""});
  findings.push_back(cores_of_this(local));
  findings.push_back({"memory", memory_text(), ""});
  findings.push_back({"disk", disk_text(), ""});
  findings.push_back({"matrix products", onednn_version(), ""});
  findings.push_back({"launcher",
                      launched_by_mpi(process_environment()) ? "started by mpirun or srun" : "started alone, one rank",
                      "several ranks: mpirun -n 2 isobath train CONFIG"});
  for (Finding& finding : gpu_findings()) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace

void add_doctor(CLI::App& app, CommandBody& chosen) {
  auto as_json = std::make_shared<bool>(false);
  CLI::App* command =
      app.add_subcommand("doctor", "say what this machine has, what is missing, and what to do about it");
  command->add_flag("--json", *as_json, "print JSON");
  command->callback([as_json, &chosen] {
    chosen = [as_json] {
      nlohmann::ordered_json out = nlohmann::ordered_json::array();
      for (const Finding& finding : examine()) {
        out.push_back({{"what", finding.what}, {"found", finding.found}, {"advice", finding.advice}});
        if (*as_json) continue;
        std::printf("%-16s %s%s%s\n", finding.what.c_str(), finding.found.c_str(), finding.advice.empty() ? "" : "; ",
                    finding.advice.c_str());
      }
      if (*as_json) std::printf("%s\n", out.dump().c_str());
      return ExitCode::Done;
    };
  });
}

}  // namespace isobath
