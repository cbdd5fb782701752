// The script at work, in bash: which endings it repeats, how often, and what it does with signals. srun and scontrol
// are stand-ins that note how they were called; tests/slurm runs the same script under the real ones.

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "cluster/job.hpp"
#include "support/temp_folder.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;

class Script : public testing::Test {
 protected:
  Script() {
    fs::create_directories(folder_ / "bin");
    fs::create_directories(folder_ / "runs/small/slurm");
    command("srun", "while [[ $1 == --* ]]; do shift; done; exec \"$@\"");
    command("scontrol", "echo \"$*\" >>\"$ROOT/scontrol.log\"");
    command(
        "isobath",
        "step() { echo '{\"kind\":\"step\",\"step\":'$1',\"loss\":1}' >>runs/small/metrics.jsonl; }; eval \"$ACT\"");
    job_.program = (folder_ / "bin/isobath").string();
    site_.max_requeues = 3;
  }

  /// Ends with the script's exit code. `before`: shell words that set the environment. `act`: what the program does.
  int run(const std::string& act, const std::string& before = "SLURM_JOB_ID=7") {
    write("job.sh", render_job(site_, job_));
    const std::string root = folder_.path().string();
    const std::string tools = with_scontrol_ ? root + "/bin:$PATH" : root + "/bin:/usr/bin:/bin";
    if (!with_scontrol_) hide_scontrol();
    write("start.sh", "export ROOT='" + root + "' ACT='" + act + "' PATH=\"" + tools + "\"\nexport " + before +
                          "\nexec bash '" + root + "/job.sh'\n");
    const int status =
        std::system(("env -i PATH=\"$PATH\" bash '" + root + "/start.sh' >'" + root + "/out' 2>&1").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  std::string requeues() const { return content("scontrol.log"); }
  std::string output() const { return content("out"); }

  std::string content(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
  void command(const std::string& name, const std::string& body) const {
    write("bin/" + name, "#!/usr/bin/env bash\n" + body + "\n");
    fs::permissions(folder_ / "bin" / name, fs::perms::owner_all);
  }
  /// bash finds commands as functions first; a name that it is told is absent stays absent, also where Slurm is there.
  void hide_scontrol() const {
    fs::remove(folder_ / "bin/scontrol");
    write("job.sh", "command() { [[ $2 != scontrol ]] && builtin command \"$@\"; }\n" + content("job.sh"));
  }

  TempFolder folder_;
  SiteProfile site_;
  Job job_ = one_run(folder_.path());
  bool with_scontrol_ = true;
};

TEST_F(Script, RepeatsWhatANewStartMendsAndNothingElse) {
  for (const int code : {75, 79, 129, 137, 139, 143, 205}) {
    fs::remove(folder_ / "scontrol.log");
    fs::remove(folder_ / "runs/small/metrics.jsonl");
    EXPECT_EQ(run("step 5; exit " + std::to_string(code)), code);
    EXPECT_EQ(requeues(), "requeue 7\n") << code << '\n' << output();
  }
  fs::remove(folder_ / "scontrol.log");
  for (const int code : {0, 1, 2, 64, 65, 69, 70, 74, 78, 93, 127}) {
    fs::remove(folder_ / "runs/small/metrics.jsonl");
    EXPECT_EQ(run("step 5; exit " + std::to_string(code)), code);
    EXPECT_EQ(requeues(), "") << code << '\n' << output();
  }
}

TEST_F(Script, RepeatsOnlyWithinTheBound) {
  EXPECT_EQ(run("step 5; exit 75", "SLURM_JOB_ID=7 SLURM_RESTART_COUNT=2"), 75);
  EXPECT_EQ(requeues(), "requeue 7\n") << output();
  EXPECT_EQ(run("step 6; exit 75", "SLURM_JOB_ID=7 SLURM_RESTART_COUNT=3"), 75);
  EXPECT_EQ(requeues(), "requeue 7\n") << output();
  EXPECT_TRUE(contains(output(), "max_requeues")) << output();
  // Slurm itself requeues after a lost node, without asking: the script does not start then.
  EXPECT_EQ(run("step 7; exit 0", "SLURM_JOB_ID=7 SLURM_RESTART_COUNT=4"), 93);
  EXPECT_FALSE(contains(content("runs/small/metrics.jsonl"), "\"step\":7"));
}

TEST_F(Script, RepeatsOnlyWhileThereIsProgress) {
  write("runs/small/metrics.jsonl", "{\"kind\":\"step\",\"step\":5,\"loss\":1}\n");
  EXPECT_EQ(run("step 5; exit 137"), 137);  // one fruitless start may be the cluster's fault
  EXPECT_EQ(requeues(), "requeue 7\n") << output();
  EXPECT_EQ(run("step 5; exit 137"), 137);
  EXPECT_EQ(requeues(), "requeue 7\n") << output();
  EXPECT_TRUE(contains(output(), "no new step")) << output();
  EXPECT_EQ(run("step 6; exit 137"), 137);
  EXPECT_EQ(requeues(), "requeue 7\nrequeue 7\n") << output();
}

TEST_F(Script, CountsOnlyWholeCheckpointsAndLinesAsProgress) {
  write("runs/small/metrics.jsonl", "{\"kind\":\"step\",\"step\":5,\"loss\":1}\n{\"kind\":\"st");
  EXPECT_EQ(run("exit 75"), 75);
  EXPECT_EQ(requeues(), "requeue 7\n") << output();
  // A folder without a manifest is an unfinished save.
  EXPECT_EQ(run("mkdir -p runs/small/checkpoints/step-00000005; exit 75"), 75);
  EXPECT_EQ(requeues(), "requeue 7\n") << output();
  EXPECT_EQ(run("touch runs/small/checkpoints/step-00000005/manifest.json; exit 75"), 75);
  EXPECT_EQ(requeues(), "requeue 7\nrequeue 7\n") << output();
}

TEST_F(Script, RepeatsTheArrayElementAndNotTheArray) {
  EXPECT_EQ(run("step 5; exit 75", "SLURM_JOB_ID=12 SLURM_ARRAY_JOB_ID=10 SLURM_ARRAY_TASK_ID=1"), 75);
  EXPECT_EQ(requeues(), "requeue 10_1\n") << output();
}

TEST_F(Script, SaysSoWhereItCannotRequeue) {
  EXPECT_EQ(run("step 5; exit 75", "ISOBATH_NO_JOB=1"), 75);
  EXPECT_TRUE(contains(output(), "the same command goes on")) << output();
  with_scontrol_ = false;
  EXPECT_EQ(run("step 6; exit 75"), 75);
  EXPECT_TRUE(contains(output(), "there is no scontrol")) << output();
}

// Until the signal comes the program works, so what is seen is the trap and not an ending of its own.
const char* const kSaveOnUsr2 =
    "trap \"step 9; exit 75\" USR2; touch started; for ((i = 0; i < 200; i++)); do sleep 0.05; done; exit 3";

TEST_F(Script, TellsTheRanksToSaveAndWaitsForThem) {
  command("srun",
          "while [[ $1 == --* ]]; do shift; done; (until [[ -e started ]]; do sleep 0.05; done; kill -USR2 $PPID) & "
          "exec \"$@\"");
  EXPECT_EQ(run(kSaveOnUsr2), 75) << output();
  EXPECT_TRUE(contains(content("runs/small/metrics.jsonl"), "\"step\":9"));
  EXPECT_EQ(requeues(), "requeue 7\n") << output();
}

TEST_F(Script, LeavesTheNextStartToWhoeverSentTerm) {
  command("srun",
          "while [[ $1 == --* ]]; do shift; done; (until [[ -e started ]]; do sleep 0.05; done; kill -TERM $PPID) & "
          "exec \"$@\"");
  EXPECT_EQ(run(kSaveOnUsr2), 75) << output();
  EXPECT_TRUE(contains(content("runs/small/metrics.jsonl"), "\"step\":9"));
  EXPECT_EQ(requeues(), "") << output();
}

TEST_F(Script, EndsAChainWithTheFirstEndThatNoJobCanChange) {
  job_.repeat = Repeat::Chain;
  job_.chain = "1-2";
  EXPECT_EQ(run("step 5; exit 75"), 75);
  EXPECT_EQ(requeues(), "") << output();
  EXPECT_EQ(run("step 6; exit 93"), 93);
  EXPECT_EQ(run("step 7; exit 0"), 93) << "the next job would fail in the same way";
  EXPECT_FALSE(contains(content("runs/small/metrics.jsonl"), "\"step\":7"));
  job_.chain = "1-3";
  EXPECT_EQ(run("step 7; exit 0"), 0) << "another chain of the same run starts anew";
}

TEST_F(Script, ExportsTheEnvironmentAsItIsWritten) {
  site_.environment = {"GREETING=it's $HOME", "EMPTY="};
  EXPECT_EQ(run("printf \"%s|\" \"$GREETING\" \"${EMPTY-unset}\" >seen; exit 0"), 0) << output();
  EXPECT_EQ(content("seen"), "it's $HOME||");
}

TEST_F(Script, LoadsModulesFirstAndEndsWhereOneIsMissing) {
  site_.modules = {"gcc/12", "openmpi"};
  EXPECT_EQ(run("exit 0", "SLURM_JOB_ID=7; module() { echo \"$2\" >>modules.log; }; export -f module"), 0) << output();
  EXPECT_EQ(content("modules.log"), "gcc/12\nopenmpi\n");
  EXPECT_EQ(run("exit 0", "SLURM_JOB_ID=7; module() { return 1; }; export -f module"), 69) << output();
}

TEST_F(Script, IsCleanByShellcheck) {
  if (std::system("command -v shellcheck >/dev/null") != 0) GTEST_SKIP() << "shellcheck is not installed";
  Job array = job_, chain = job_;
  array.runs.push_back({"runs/it's", {"name=it's"}});
  chain.repeat = Repeat::Chain;
  SiteProfile laptop = site_;
  laptop.scheduler = Scheduler::None;
  laptop.environment = {"A=b c"};
  write("1.sh", render_job(site_, array));
  write("2.sh", render_job(site_, chain));
  write("3.sh", render_job(laptop, job_));
  const std::string root = folder_.path().string();
  EXPECT_EQ(std::system(("cd '" + root + "' && shellcheck [123].sh >out 2>&1").c_str()), 0) << output();
}

}  // namespace
}  // namespace isobath::test
