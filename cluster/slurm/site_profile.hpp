#pragma once
// What a site wants to know and to be told: one YAML file a cluster, written once by whoever knows it.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "configs/schema/checker.hpp"
#include "configs/schema/document/config_error.hpp"
#include "configs/schema/document/node.hpp"
#include "configs/schema/enum_names.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath {

enum class Scheduler { Slurm, None };
constexpr auto enum_names(Scheduler) {
  return std::array{EnumName{Scheduler::Slurm, "slurm"}, EnumName{Scheduler::None, "none"}};
}

enum class Launcher { Srun, Mpirun };
constexpr auto enum_names(Launcher) {
  return std::array{EnumName{Launcher::Srun, "srun"}, EnumName{Launcher::Mpirun, "mpirun"}};
}

struct ContainerProfile {
  std::string image;
  std::string runtime = "apptainer";
  std::vector<std::string> options;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("image", self.image, anything(), MayChange, "file of the image; empty: no container");
    field("runtime", self.runtime, not_empty(), MayChange, "called as RUNTIME exec OPTIONS IMAGE isobath ...");
    field("options", self.options, anything(), MayChange, "of the runtime, e.g. --nv");
  }
};

struct SiteProfile {
  Scheduler scheduler = Scheduler::Slurm;
  Launcher launcher = Launcher::Srun;
  std::string partition;
  std::string account;
  std::int64_t nodes = 1;
  std::optional<std::int64_t> ranks_per_node;
  std::int64_t gpus_per_node = 0;
  std::int64_t cpus_per_rank = 0;
  std::string time = "01:00:00";
  std::int64_t warn_seconds = 120;
  std::int64_t max_requeues = 100;
  std::vector<std::string> sbatch;
  std::vector<std::string> modules;
  std::vector<std::string> environment;
  std::vector<std::string> launcher_options;
  std::optional<std::string> program;
  ContainerProfile container;

  /// `ranks_per_node` resolved: one for each GPU, or one.
  std::int64_t ranks_on_a_node() const;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("scheduler", self.scheduler, anything(), MayChange, "slurm, or none: the script runs here and now");
    field("launcher", self.launcher, anything(), MayChange, "what starts the ranks; srun uses its pmix plugin");
    field("partition", self.partition, anything(), MayChange, "empty: the cluster's default");
    field("account", self.account, anything(), MayChange, "empty: the user's default");
    field("nodes", self.nodes, in(1, 100000), MayChange, "of a job, unless --nodes says otherwise");
    field("ranks_per_node", self.ranks_per_node, in(1, 4096), MayChange, "auto: one for each GPU, or one");
    field("gpus_per_node", self.gpus_per_node, in(0, 64), MayChange, "asked for; a rank takes that of its local rank");
    field("cpus_per_rank", self.cpus_per_rank, in(0, 4096), MayChange, "0: the cluster's default");
    field("time", self.time, not_empty(), MayChange, "walltime of one start, [DAYS-]HH:MM:SS");
    field("warn_seconds", self.warn_seconds, in(1, 65535), MayChange,
          "before the end of the walltime, for the last step and its checkpoint");
    field("max_requeues", self.max_requeues, in(0, 100000), MayChange, "starts of one job beyond the first");
    field("sbatch", self.sbatch, anything(), MayChange, "further lines for sbatch, each with its leading --");
    field("modules", self.modules, anything(), MayChange, "loaded in this order");
    field("environment", self.environment, anything(), MayChange, "NAME=value, exported after the modules");
    field("launcher_options", self.launcher_options, anything(), MayChange, "further options of srun or mpirun");
    field("program", self.program, not_empty(), MayChange, "auto: the one that submits, or isobath in a container");
    field("container", self.container, "image that the ranks run in");
  }
  void check(config::Checker& checker) const;
};

/// The profile that `root` describes. Mistakes are added to `issues`, all of them; `whole` marks those of values that
/// stand nowhere.
SiteProfile decode_site_profile(const config::Node& root, const config::Mark& whole, config::Issues& issues);

/// Markdown table of every key, for docs/slurm.md.
std::string site_profile_reference();

/// Whether `text` is a walltime: [DAYS-]HH:MM:SS, not zero.
bool is_walltime(const std::string& text);

}  // namespace isobath
