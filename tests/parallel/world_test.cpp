#include "parallel/world.hpp"

#include <numeric>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace isobath {
namespace {

TEST(World, the_local_rank_is_read_from_each_launcher) {
  const auto expect = [](const Environment& environment, int rank, int size) {
    EXPECT_EQ(local_rank(environment).rank, rank);
    EXPECT_EQ(local_rank(environment).size, size);
  };
  expect({}, 0, 1);
  expect({{"OMPI_COMM_WORLD_LOCAL_RANK", "3"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"}}, 3, 4);
  expect({{"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "2"}}, 1, 2);
  expect({{"SLURM_STEP_TASKS_PER_NODE", "4(x2),3"}, {"SLURM_NODEID", "2"}, {"SLURM_LOCALID", "2"}}, 2, 3);
  expect({{"SLURM_STEP_TASKS_PER_NODE", "4(x2),3"}, {"SLURM_NODEID", "1"}, {"SLURM_LOCALID", "0"}}, 0, 4);
  // mpirun inside an allocation: the step is that of its daemons, one per node.
  expect({{"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
          {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
          {"SLURM_STEP_TASKS_PER_NODE", "1(x4)"}},
         1, 2);
}

TEST(World, a_rank_is_known_before_mpi_starts) {
  EXPECT_EQ(launched_rank({}), 0);
  EXPECT_EQ(launched_rank({{"OMPI_COMM_WORLD_RANK", "3"}, {"PMIX_RANK", "3"}, {"SLURM_PROCID", "0"}}), 3)
      << "mpirun inside an allocation: Slurm's number is that of its daemon";
  EXPECT_EQ(launched_rank({{"PMI_RANK", "2"}}), 2);
  EXPECT_EQ(launched_rank({{"SLURM_PROCID", "5"}}), 5);
}

TEST(World, knows_when_mpi_is_needed_and_when_it_is_not_connected) {
  EXPECT_FALSE(launched_by_mpi({{"SLURM_JOB_ID", "7"}}));
  EXPECT_TRUE(launched_by_mpi({{"OMPI_COMM_WORLD_SIZE", "1"}}));
  EXPECT_TRUE(launched_by_mpi({{"PMIX_RANK", "0"}}));
  EXPECT_EQ(launch_mistake({}, 1), "");
  EXPECT_EQ(launch_mistake({{"SLURM_STEP_NUM_TASKS", "8"}}, 8), "");
  EXPECT_EQ(launch_mistake({{"SLURM_STEP_NUM_TASKS", "4"}, {"OMPI_COMM_WORLD_SIZE", "8"}}, 8), "");
  EXPECT_EQ(launch_mistake({{"SLURM_STEP_NUM_TASKS", "8"}}, 1),
            "srun started 8 tasks, but MPI connects 1 of them; start with srun --mpi=pmix, or with mpirun");
}

TEST(World, threads_follow_from_the_cores_that_ranks_share) {
  const auto cores = [](int begin, int end) {
    std::vector<int> all(static_cast<std::size_t>(end - begin));
    std::iota(all.begin(), all.end(), begin);
    return all;
  };
  // Two ranks that float over 8 cores, and one alone on another host.
  const std::vector<Place> floating{{"n1", cores(0, 8)}, {"n1", cores(0, 8)}, {"n2", cores(0, 8)}};
  EXPECT_EQ(host_share(floating, 0).threads, 4);
  EXPECT_EQ(host_share(floating, 2).threads, 8);
  // Bound to cores of their own, as srun --cpus-per-task does: nothing is shared.
  const std::vector<Place> bound{{"n1", cores(0, 3)}, {"n1", cores(3, 8)}};
  EXPECT_EQ(host_share(bound, 0).threads, 3);
  EXPECT_EQ(host_share(bound, 1).threads, 5);
  // More ranks than cores; and thirds that must add up to a whole.
  EXPECT_EQ(host_share(std::vector<Place>(4, {"n1", cores(0, 2)}), 3).threads, 1);
  EXPECT_EQ(host_share(std::vector<Place>(3, {"n1", cores(0, 9)}), 0).threads, 3);
}

TEST(World, ranks_stand_in_hosts_in_any_order) {
  const std::vector<Place> dealt{{"n2", {}}, {"n1", {}}, {"n2", {}}, {"n3", {}}, {"n2", {}}};
  const auto expect = [&](std::size_t rank, Standing wanted) {
    const Standing is = standing(dealt, rank);
    EXPECT_EQ(is.host, wanted.host) << rank;
    EXPECT_EQ(is.hosts, 3) << rank;
    EXPECT_EQ(is.local_rank, wanted.local_rank) << rank;
    EXPECT_EQ(is.local_size, wanted.local_size) << rank;
  };
  expect(0, {0, 3, 0, 3});
  expect(1, {1, 3, 0, 1});
  expect(2, {0, 3, 1, 3});
  expect(3, {2, 3, 0, 1});
  expect(4, {0, 3, 2, 3});
}

TEST(World, cores_that_ranks_share_are_dealt_out_once) {
  const std::vector<int> eight{0, 1, 2, 3, 8, 9, 10, 11};
  const std::vector<Place> floating(3, {"n1", eight});
  std::vector<int> dealt;
  for (std::size_t rank = 0; rank < 3; ++rank)
    for (const int core : cores_of(floating, rank)) dealt.push_back(core);
  EXPECT_EQ(dealt, eight) << "each core once, in order, none left over";
  EXPECT_EQ(cores_of(floating, 1), (std::vector<int>{2, 3, 8}));
  EXPECT_EQ(cores_of({{"n1", {0, 1}}, {"n1", {2, 3}}}, 1), (std::vector<int>{2, 3})) << "bound by the launcher";
  EXPECT_EQ(cores_of({{"n1", {0, 1}}, {"n2", {0, 1}}}, 1), (std::vector<int>{0, 1})) << "another host";
  EXPECT_EQ(cores_of(std::vector<Place>(5, {"n1", {4, 6}}), 3), std::vector<int>{6}) << "more ranks than cores";
}

TEST(World, ranks_of_a_host_take_turns_at_its_devices) {
  EXPECT_EQ(device_of(0, 4), 0);
  EXPECT_EQ(device_of(3, 4), 3);
  EXPECT_EQ(device_of(5, 4), 1);
  EXPECT_EQ(device_of(7, 1), 0) << "the launcher shows each rank one";
  EXPECT_THROW(device_of(0, 0), InternalError);
}

TEST(World, more_threads_than_cores_is_one_line) {
  EXPECT_EQ(oversubscription_warning({2, 2, 1}, 1), "");
  EXPECT_EQ(
      oversubscription_warning({4, 2, 1}, 1),
      "4 ranks of 1 thread on this host have 2 cores between them: it works, but slower than with no more threads "
      "than cores");
  // Bound to one core each: each rank sees one, but together they have two.
  const HostShare bound = host_share({{"n1", {0}}, {"n1", {1}}, {"n2", {0}}}, 1);
  EXPECT_EQ(bound.ranks, 2);
  EXPECT_EQ(bound.cores, 2);
  EXPECT_EQ(oversubscription_warning(bound, bound.threads), "");
}

TEST(World, this_process_has_cores_and_an_environment) {
  EXPECT_FALSE(available_cores().empty());
  setenv("ISOBATH_TEST_VARIABLE", "a=b", 1);
  EXPECT_EQ(process_environment().at("ISOBATH_TEST_VARIABLE"), "a=b");
}

}  // namespace
}  // namespace isobath
