// What a site profile may say, and what is said about one that says something else.

#include <filesystem>

#include <gtest/gtest.h>

#include "cluster/job.hpp"
#include "configs/yaml/load.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;

struct Read {
  SiteProfile profile;
  std::vector<std::string> issues;
};

Read read(config::Document document) {
  Read out;
  out.profile = decode_site_profile(document.root, {"site.yaml", 0, 0}, document.issues);
  for (const config::Issue& issue : document.issues) out.issues.push_back(config::to_string(issue));
  return out;
}

Read read(const std::string& yaml) { return read(config::load_text(yaml, "site.yaml")); }

TEST(SiteProfile, OfEveryShippedFileIsRight) {
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(ISOBATH_SOURCE) / "cluster/profiles")) {
    EXPECT_TRUE(read(config::load(entry.path())).issues.empty())
        << entry.path() << read(config::load(entry.path())).issues[0];
    ++seen;
  }
  EXPECT_EQ(seen, 3);
}

TEST(SiteProfile, RanksAreOneForEachGpuOrOne) {
  EXPECT_EQ(read("gpus_per_node: 4").profile.ranks_on_a_node(), 4);
  EXPECT_EQ(read("nodes: 2").profile.ranks_on_a_node(), 1);
  EXPECT_EQ(read("{gpus_per_node: 4, ranks_per_node: 8}").profile.ranks_on_a_node(), 8);
}

struct Mistake {
  const char* yaml;
  std::vector<const char*> words;
};

TEST(SiteProfile, MistakesAreNamedWithPlaceAndRemedy) {
  const Mistake mistakes[] = {
      {"partitoin: gpu", {"site.yaml:1", "partitoin", "partition"}},
      {"time: \"4 hours\"", {"time", "HH:MM:SS"}},
      {"time: \"00:00:00\"", {"time"}},
      {"partition: \"a b\"", {"partition", "one word"}},
      {"partition: \"a\\n#SBATCH --wrap=x\"", {"partition", "one word"}},
      {"sbatch: [exclusive]", {"sbatch", "exclusive", "--exclusive"}},
      {"sbatch: [\"--a\\nrm -rf\"]", {"sbatch"}},
      {"environment: [\"PATH\"]", {"environment", "NAME=value"}},
      {"environment: [\"A B=1\"]", {"environment", "A B=1"}},
      {"modules: [\"gcc 12\"]", {"modules", "gcc 12"}},
      {"scheduler: none", {"launcher", "mpirun"}},
      {"{scheduler: none, launcher: mpirun, nodes: 2}", {"nodes"}},
      {"scheduler: slrum", {"scheduler", "slurm"}},
      {"nodes: 0", {"nodes"}},
      {"container: {imgae: a.sif}", {"container.imgae", "image"}},
  };
  for (const Mistake& mistake : mistakes) {
    const std::vector<std::string> issues = read(mistake.yaml).issues;
    ASSERT_EQ(issues.size(), 1u) << mistake.yaml;
    for (const char* word : mistake.words) EXPECT_TRUE(contains(issues[0], word)) << word << " in " << issues[0];
  }
}

TEST(Walltime, HasOneForm) {
  for (const char* right : {"00:00:01", "04:00:00", "100:00:00", "7-00:00:00"})
    EXPECT_TRUE(is_walltime(right)) << right;
  for (const char* wrong : {"", "10", "1:2:3", "00:60:00", "00:00:60", "00:00:00", "0-00:00:00", "4h", "01:00:00 "})
    EXPECT_FALSE(is_walltime(wrong)) << wrong;
}

}  // namespace
}  // namespace isobath::test
