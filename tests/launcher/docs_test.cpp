// The documentation is run: its blocks of commands, and the table of keys against the code.

#include "configs/yaml/run_config.hpp"
#include "launcher/program.hpp"

namespace isobath::test {
namespace {

/// The ```sh blocks of a Markdown file, one after the other.
std::string commands_of(const std::filesystem::path& document) {
  std::ifstream file(document);
  std::string out;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "```sh")
      inside = true;
    else if (line == "```")
      inside = false;
    else if (inside)
      out += line + '\n';
  }
  return out;
}

void expect_runs(const std::string& document) {
  const std::string commands = commands_of(std::filesystem::path(ISOBATH_SOURCE) / document);
  ASSERT_NE(commands.find("isobath train"), std::string::npos);
  const Workbench bench;
  std::filesystem::remove_all(bench / "data");
  const std::string folder = std::filesystem::path(ISOBATH_PROGRAM).parent_path().string();
  bench.write("document.sh", "set -euo pipefail\nPATH=" + folder + ":$PATH\n" + commands);
  const Ending ending = bench.shell("bash document.sh");
  EXPECT_EQ(ending.code, 0) << ending.out << ending.err;
}

TEST(Documentation, TutorialRunsAsWritten) { expect_runs("docs/tutorial.md"); }

TEST(Documentation, DataGuideRunsAsWritten) { expect_runs("docs/data.md"); }

TEST(Documentation, ListsEveryKeyAsTheCodeDoes) {
  const std::string written = content_of(std::filesystem::path(ISOBATH_SOURCE) / "docs/configuration.md");
  EXPECT_NE(written.find(config_reference()), std::string::npos)
      << "docs/configuration.md is out of date: isobath train --reference > docs/configuration.md";
}

}  // namespace
}  // namespace isobath::test
