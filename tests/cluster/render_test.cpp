// What stands in the script of a job.

#include <gtest/gtest.h>

#include "cluster/job.hpp"

namespace isobath::test {
namespace {

TEST(Render, AsksForWhatTheProfileSays) {
  SiteProfile site;
  site.partition = "gpu";
  site.account = "physics";
  site.nodes = 4;
  site.gpus_per_node = 8;
  site.cpus_per_rank = 7;
  site.warn_seconds = 300;
  site.sbatch = {"--exclusive", "--constraint=a100"};
  const std::string script = render_job(site, one_run());
  EXPECT_EQ(script.rfind("#!/usr/bin/env bash\n#SBATCH ", 0), 0u)
      << "sbatch reads options only before the first command";
  for (const char* line :
       {"--job-name=\"small\"", "--chdir=\"/home/me/work\"", "--output=\"/home/me/work/runs/small/slurm/%j.out\"",
        "--open-mode=append", "--requeue", "--signal=B:USR2@300", "--nodes=4", "--ntasks-per-node=8",
        "--gpus-per-node=8", "--cpus-per-task=7", "--time=01:00:00", "--partition=gpu", "--account=physics",
        "--exclusive", "--constraint=a100"})
    EXPECT_TRUE(contains(script, std::string("\n#SBATCH ") + line + "\n")) << line << " in\n" << script;
  EXPECT_TRUE(contains(script,
                       "command=(srun --mpi=pmix --kill-on-bad-exit=0 --wait=5 --cpus-per-task=7 "
                       "/opt/isobath/isobath train run.yaml)\n"));
}

TEST(Render, AsksForNothingThatTheProfileLeavesToTheCluster) {
  const std::string script = render_job({}, one_run());
  for (const char* option :
       {"--partition", "--account", "--gpus-per-node", "--cpus-per-task", "--array", "--dependency"})
    EXPECT_FALSE(contains(script, option)) << option;
}

TEST(Render, StartsRanksByMpirunNodeByNode) {
  SiteProfile site;
  site.launcher = Launcher::Mpirun;
  site.nodes = 3;
  site.ranks_per_node = 2;
  site.launcher_options = {"--bind-to", "none"};
  EXPECT_TRUE(contains(render_job(site, one_run()),
                       "command=(mpirun -n 6 --map-by ppr:2:node --bind-to none /opt/isobath/isobath train run.yaml)"));
}

TEST(Render, WithoutASchedulerHasNoWordForSbatch) {
  SiteProfile site;
  site.scheduler = Scheduler::None;
  site.launcher = Launcher::Mpirun;
  const std::string script = render_job(site, one_run());
  EXPECT_FALSE(contains(script, "#SBATCH"));
  EXPECT_TRUE(contains(script, "command=(mpirun -n 1 /opt/isobath/isobath train run.yaml)"));
}

TEST(Render, RunsTheImagesOwnProgram) {
  SiteProfile site;
  site.container.image = "/images/isobath.sif";
  site.container.options = {"--nv"};
  EXPECT_TRUE(
      contains(render_job(site, one_run()), " apptainer exec --nv /images/isobath.sif isobath train run.yaml)"));
  site.program = "/usr/bin/isobath";
  EXPECT_TRUE(contains(render_job(site, one_run()), " /images/isobath.sif /usr/bin/isobath train run.yaml)"));
}

TEST(Render, GivesEveryArrayIndexItsRun) {
  Job job = one_run();
  job.overrides = {"train.steps=9"};
  job.runs = {{"runs/a", {"seed=1"}}, {"runs/b", {"seed=2", "name=b"}}};
  job.at_once = 1;
  const std::string script = render_job({}, job);
  EXPECT_TRUE(contains(script, "#SBATCH --array=0-1%1\n"));
  EXPECT_TRUE(contains(script, "--output=\"/home/me/work/runs/small-slurm/%A_%a.out\""));
  EXPECT_TRUE(contains(script, " train run.yaml train.steps=9)\n"));
  EXPECT_TRUE(contains(script, "  1)\n    run=runs/b\n    command+=(seed=2 name=b)\n"));
}

TEST(Render, MakesAChainOneJobAtATimeWithoutRequeues) {
  Job job = one_run();
  job.repeat = Repeat::Chain;
  const std::string script = render_job({}, job);
  EXPECT_TRUE(contains(script, "#SBATCH --dependency=singleton\n"));
  EXPECT_TRUE(contains(script, "#SBATCH --no-requeue\n"));
  EXPECT_FALSE(contains(script, "#SBATCH --requeue\n"));
}

TEST(Render, LeavesNoWordToTheShell) {
  EXPECT_EQ(shell_word("a.b=1e-3"), "a.b=1e-3");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's $(x)"), "'it'\\''s $(x)'");
  Job job = one_run("/home/100% \"mine\"");
  job.overrides = {"data.path=my text"};
  const std::string script = render_job({}, job);
  EXPECT_TRUE(contains(script, "--chdir=\"/home/100% \\\"mine\\\"\"")) << script;
  EXPECT_TRUE(contains(script, "--output=\"/home/100%% \\\"mine\\\"/runs/small/slurm/%j.out\"")) << script;
  EXPECT_TRUE(contains(script, "train run.yaml 'data.path=my text')")) << script;
}

TEST(Array, SetsAreWordsAndHaveNamesOfTheirOwn) {
  EXPECT_EQ(array_overrides("a=1  b=2", "run", 3), (std::vector<std::string>{"a=1", "b=2", "name=run-3"}));
  EXPECT_EQ(array_overrides("name=x a=1", "run", 3), (std::vector<std::string>{"name=x", "a=1"}));
  EXPECT_THROW(array_overrides(" ", "run", 0), Error);
  EXPECT_THROW(require_own_folders({{"runs/a", {}}, {"runs/./a", {}}}), Error);
  EXPECT_NO_THROW(require_own_folders({{"runs/a", {}}, {"runs/b", {}}}));
}

}  // namespace
}  // namespace isobath::test
