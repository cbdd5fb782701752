// Ranks that share cores keep to their part; what somebody else has decided about cores stands.

#include <sched.h>

#include "launcher/process.hpp"
#include "launcher/trajectory.hpp"

namespace isobath::test {
namespace {

constexpr Seconds kLimit{60};

/// "0-1", "3": what the kernel lets the compute thread of each rank run on, while the ranks train.
std::vector<std::string> cores_in_training(const std::string& before, const std::string& options) {
  const Workbench bench;
  Process job(bench, before + ISOBATH_MPIEXEC + " -n 2 " + ISOBATH_PROGRAM +
                         " train run.yaml checkpoint.every=0 train.steps=1000000 optim.decay_steps=1000000 " + options);
  EXPECT_TRUE(holds_within(kLimit, [&] { return trajectory(bench / "runs/small/metrics.jsonl").size() >= 3; }))
      << job.err();
  std::vector<std::string> cores;
  for (const auto& [rank, pid] : job.ranks()) {
    const std::string status = content_of("/proc/" + std::to_string(pid) + "/status"), key = "Cpus_allowed_list:\t";
    const auto at = status.find(key);
    const auto begin = at == std::string::npos ? status.size() : at + key.size();
    cores.push_back(status.substr(begin, status.find('\n', begin) - begin));
  }
  const bool says_bound = job.err().find(" bound to cores " + cores.at(0)) != std::string::npos;
  EXPECT_EQ(says_bound, cores.at(0) != cores.at(1)) << job.err();
  job.send(SIGUSR2);
  EXPECT_EQ(job.ends_within(kLimit), 75) << job.err();
  return cores;
}

/// What this test may run on: part of the machine under taskset or in a container.
cpu_set_t allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  return set;
}

bool has_two_cores() {
  const cpu_set_t set = allowed();
  return CPU_COUNT(&set) >= 2;
}

std::string on_the_first_core() {
  const cpu_set_t set = allowed();
  int core = 0;
  while (core + 1 < CPU_SETSIZE && !CPU_ISSET(core, &set)) ++core;
  return "taskset -c " + std::to_string(core) + ' ';
}

TEST(Binding, RanksOfAHostDivideItsCores) {
  if (!has_two_cores()) GTEST_SKIP() << "one core cannot be divided";
  const auto cores = cores_in_training("", "");
  ASSERT_EQ(cores.size(), 2u);
  EXPECT_NE(cores[0], cores[1]);
}

TEST(Binding, IsNotDoneWhereItIsNotWanted) {
  if (!has_two_cores()) GTEST_SKIP() << "one core cannot be divided";
  for (const auto& [before, options] : {std::pair<std::string, std::string>{"", "system.bind=none"},
                                        {"env OMP_PROC_BIND=false ", ""},
                                        {on_the_first_core(), ""}}) {
    const auto cores = cores_in_training(before, options);
    ASSERT_EQ(cores.size(), 2u);
    EXPECT_EQ(cores[0], cores[1]) << before << options;
  }
}

}  // namespace
}  // namespace isobath::test
