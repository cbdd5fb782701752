// The scripts and recipes that are shipped and that no test runs whole.

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace isobath::test {
namespace {

const std::string kSource = ISOBATH_SOURCE;

TEST(Shipped, ShellScriptsAreCleanByShellcheck) {
  if (std::system("command -v shellcheck >/dev/null") != 0) GTEST_SKIP() << "shellcheck is not installed";
  EXPECT_EQ(std::system(("cd '" + kSource + "' && shellcheck -x tests/slurm/*.sh").c_str()), 0);
}

TEST(Shipped, ImageHasTheSectionsOfApptainerAndTheBuildsPackages) {
  std::ifstream file(kSource + "/cluster/containers/isobath.def");
  std::set<std::string> headers;
  std::string script;
  for (std::string line, section; std::getline(file, line);) {
    if (line.rfind('%', 0) == 0) headers.insert(section = line);
    if (line.rfind("Bootstrap: ", 0) == 0 || line.rfind("From: ", 0) == 0) headers.insert(line);
    if (section == "%post" && line.rfind(' ', 0) == 0) script += line + '\n';
  }
  EXPECT_EQ(headers, (std::set<std::string>{"Bootstrap: docker", "From: debian:bookworm-slim", "%labels", "%files",
                                            "%post", "%test", "%runscript"}));
  std::ifstream quickstart(kSource + "/quickstart");
  const std::string whole{std::istreambuf_iterator<char>(quickstart), {}};
  const std::size_t from = whole.find("build_packages=(") + 16;
  std::istringstream packages(whole.substr(from, whole.find(')', from) - from));
  for (std::string package; packages >> package;) EXPECT_NE(script.find(package), std::string::npos) << package;
  std::ofstream("isobath-post.sh") << script;
  EXPECT_EQ(std::system("bash -n isobath-post.sh"), 0) << script;
  std::remove("isobath-post.sh");
}

}  // namespace
}  // namespace isobath::test
