// isobath submit up to the queue: what it refuses, what it writes, and the run that needs no queue. tests/slurm goes on
// from there.

#include "cluster/slurm/site_profile.hpp"
#include "launcher/program.hpp"

namespace isobath::test {
namespace {

const std::string kProfiles = ISOBATH_SOURCE "/cluster/profiles/";

struct Refusal {
  const char* name;
  const char* arguments;  // of isobath submit run.yaml
  int code;
  std::vector<const char*> words;
};

const Refusal kRefusals[] = {
    {"no_site", "", 64, {"--site"}},
    {"no_such_site", "--site absent.yaml", 78, {"absent.yaml"}},
    {"unknown_key", "--site typo.yaml", 78, {"typo.yaml:2", "partitoin", "partition"}},
    {"bad_time", "--site generic.yaml --time 4h", 64, {"--time", "4h", "HH:MM:SS"}},
    {"bad_override", "model.widht=3 --site generic.yaml", 78, {"model.widht"}},
    {"bad_override_of_one_array_run", "--site generic.yaml --array seed=1 --array sead=2", 78, {"sead"}},
    {"unknown_launcher", "--site generic.yaml --launcher ssh", 64, {"ssh"}},
    {"array_and_chain", "--site generic.yaml --array seed=1 --chain 2", 64, {"--chain"}},
    {"two_runs_in_a_folder", "--site generic.yaml --array name=a --array name=a", 64, {"runs/a"}},
    {"array_on_a_laptop", "--site laptop.yaml --array seed=1 --array seed=2", 64, {"scheduler"}},
    {"nodes_on_a_laptop", "--site laptop.yaml --nodes 2", 64, {"scheduler"}},
    {"srun_on_a_laptop", "--site laptop.yaml --launcher srun", 64, {"srun"}},
    {"no_sbatch", "--site generic.yaml", 69, {"sbatch", "scheduler: none"}},
};

std::ostream& operator<<(std::ostream& out, const Refusal& refusal) { return out << refusal.name; }

void add_sites(const Workbench& bench) {
  bench.write("typo.yaml", "nodes: 2\npartitoin: gpu\n");
  for (const char* name : {"generic.yaml", "laptop.yaml"}) bench.write(name, content_of(kProfiles + name));
}

class Submit : public testing::TestWithParam<Refusal> {};

TEST_P(Submit, RefusesWithOneErrorAndTheDocumentedCode) {
  const Workbench bench;
  add_sites(bench);
  // A path without sbatch, also where Slurm is installed.
  const Ending ending = bench.shell("env -u ISOBATH_SITE PATH=/nowhere " ISOBATH_PROGRAM " submit run.yaml " +
                                    std::string(GetParam().arguments));
  EXPECT_EQ(ending.code, GetParam().code) << ending.err;
  for (const char* word : GetParam().words)
    EXPECT_NE(ending.err.find(word), std::string::npos) << word << " in:\n" << ending.err;
}

INSTANTIATE_TEST_SUITE_P(Table, Submit, testing::ValuesIn(kRefusals),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Submission, PrintsWithoutWriting) {
  const Workbench bench;
  add_sites(bench);
  const Ending ending =
      bench.run("submit run.yaml train.steps=9 --site generic.yaml --nodes 3 --time 00:10:00 --print");
  EXPECT_EQ(ending.code, 0) << ending.err;
  for (const char* part : {"#SBATCH --nodes=3\n", "#SBATCH --time=00:10:00\n", "train run.yaml train.steps=9)"})
    EXPECT_NE(ending.out.find(part), std::string::npos) << part;
  EXPECT_FALSE(std::filesystem::exists(bench / "runs"));
}

TEST(Submission, SaysWhySbatchRefused) {
  const Workbench bench;
  add_sites(bench);
  std::filesystem::create_directory(bench / "bin");
  bench.write("bin/sbatch", "#!/bin/sh\necho 'sbatch: error: invalid partition' >&2\nexit 1\n");
  std::filesystem::permissions(bench / "bin/sbatch", std::filesystem::perms::owner_all);
  const Ending ending = bench.shell("env PATH=" + (bench / "bin").string() +
                                    ":$PATH " ISOBATH_PROGRAM " submit run.yaml --site generic.yaml");
  EXPECT_EQ(ending.code, 69) << ending.err;
  EXPECT_NE(ending.err.find("invalid partition"), std::string::npos) << ending.err;
  EXPECT_NE(ending.err.find("runs/small/slurm/job.sh"), std::string::npos) << ending.err;
}

TEST(Submission, RunsHereWhereThereIsNoScheduler) {
  const Workbench bench;
  add_sites(bench);
  const Ending ending = bench.shell("env ISOBATH_SITE=laptop.yaml " ISOBATH_PROGRAM " submit run.yaml");
  EXPECT_EQ(ending.code, 0) << ending.out << ending.err;
  EXPECT_TRUE(std::filesystem::exists(bench / "runs/small/checkpoints/step-00000006/shard-00001-of-00002.h5"))
      << "two ranks, to the last step";
  const Ending refused = bench.shell("env ISOBATH_SITE=laptop.yaml " ISOBATH_PROGRAM " submit run.yaml seed=5");
  EXPECT_EQ(refused.code, 78) << "the program's code is that of the script: " << refused.out << refused.err;
}

TEST(Documentation, ListsEveryKeyOfASiteAsTheCodeDoes) {
  const std::string written = content_of(ISOBATH_SOURCE "/docs/slurm.md");
  EXPECT_NE(written.find(site_profile_reference()), std::string::npos)
      << "docs/slurm.md is out of date; the code says:\n"
      << site_profile_reference();
}

TEST(Modulefile, IsLua) {
  if (std::system("command -v luac >/dev/null") != 0) GTEST_SKIP() << "luac is not installed (lua5.4)";
  EXPECT_EQ(std::system("luac -p " ISOBATH_SOURCE "/cluster/containers/isobath.lua"), 0);
}

}  // namespace
}  // namespace isobath::test
