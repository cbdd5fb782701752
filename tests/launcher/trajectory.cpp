#include "launcher/trajectory.hpp"

#include <fstream>

#include "ops/core/files/json.hpp"

namespace isobath::test {
namespace {

std::vector<std::string> entries(const std::filesystem::path& metrics, const std::string& kind,
                                 const std::vector<std::string>& keys) {
  std::vector<std::string> out;
  std::ifstream file(metrics);
  for (std::string line; std::getline(file, line);) {
    // The last line of a file that is being written may be a part of one.
    const nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
    if (entry.is_discarded() || entry.at("kind") != kind) continue;
    nlohmann::json chosen;
    for (const std::string& key : keys) chosen.push_back(entry.at(key));
    out.push_back(chosen.dump());
  }
  return out;
}

}  // namespace

std::vector<std::string> trajectory(const std::filesystem::path& metrics) {
  return entries(metrics, "step", {"step", "tokens", "loss", "gradient_norm"});
}

std::vector<std::string> validations(const std::filesystem::path& metrics) {
  return entries(metrics, "validation", {"step", "rule", "loss", "targets"});
}

}  // namespace isobath::test
