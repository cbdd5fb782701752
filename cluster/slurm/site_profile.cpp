#include "cluster/slurm/site_profile.hpp"

#include <algorithm>
#include <regex>

#include "configs/schema/fields/decode.hpp"
#include "configs/schema/fields/schema.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

bool all_match(const std::vector<std::string>& texts, const std::regex& pattern) {
  return std::all_of(texts.begin(), texts.end(), [&](const std::string& t) { return std::regex_match(t, pattern); });
}

/// The first that does not match, for the message.
std::string misfit(const std::vector<std::string>& texts, const std::regex& pattern) {
  for (const std::string& text : texts)
    if (!std::regex_match(text, pattern)) return config::in_quotes(text);
  return "";
}

}  // namespace

std::int64_t SiteProfile::ranks_on_a_node() const {
  return ranks_per_node.value_or(std::max<std::int64_t>(1, gpus_per_node));
}

void SiteProfile::check(config::Checker& checker) const {
  // These end up in lines of their own, so a line break would make two.
  static const std::regex kWord("[^\\s\"'\\\\]*");
  static const std::regex kOption("--?[A-Za-z][^\\n\\r]*");
  static const std::regex kVariable("[A-Za-z_][A-Za-z0-9_]*=[^\\n\\r]*");
  static const std::regex kModule("[^\\s]+");
  checker.rule(std::regex_match(partition, kWord), {"partition"}, {"one word", config::in_quotes(partition), ""});
  checker.rule(std::regex_match(account, kWord), {"account"}, {"one word", config::in_quotes(account), ""});
  checker.rule(is_walltime(time), {"time"},
               {"[DAYS-]HH:MM:SS, longer than nothing", config::in_quotes(time), "write for example \"04:00:00\""});
  checker.rule(all_match(sbatch, kOption), {"sbatch"},
               {"options of sbatch", misfit(sbatch, kOption), "write for example \"--exclusive\""});
  checker.rule(all_match(environment, kVariable), {"environment"},
               {"NAME=value", misfit(environment, kVariable), "write for example \"OMP_PROC_BIND=true\""});
  checker.rule(all_match(modules, kModule), {"modules"}, {"names of modules", misfit(modules, kModule), ""});
  checker.rule(scheduler == Scheduler::Slurm || launcher == Launcher::Mpirun, {"launcher", "scheduler"},
               {"mpirun where there is no Slurm", "srun", "write launcher: mpirun"});
  checker.rule(scheduler == Scheduler::Slurm || nodes == 1, {"nodes", "scheduler"},
               {"1 where there is no scheduler", std::to_string(nodes), ""});
}

SiteProfile decode_site_profile(const config::Node& root, const config::Mark& whole, config::Issues& issues) {
  SiteProfile profile;
  config::decode(root, config::bind(profile), whole, issues);
  return profile;
}

std::string site_profile_reference() {
  SiteProfile defaults;
  std::string out = "| key | takes | default | meaning |\n|---|---|---|---|\n";
  for (const config::Field& field : config::bind(defaults).fields)
    out += text("| `", field.path, "` | ", field.type, " | `", field.text(), "` | ", field.doc, " |\n");
  return out;
}

bool is_walltime(const std::string& text) {
  static const std::regex kForm("([0-9]{1,4}-)?[0-9]{1,3}:[0-5][0-9]:[0-5][0-9]");
  return std::regex_match(text, kForm) && text.find_first_of("123456789") != std::string::npos;
}

}  // namespace isobath
