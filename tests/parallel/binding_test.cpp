// Which cores ranks divide among themselves, and when they leave things as they are.

#include "parallel/host/binding.hpp"

#include <thread>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sched.h>

namespace isobath {
namespace {

using Cores = std::vector<int>;

TEST(Binding, divides_the_cores_that_all_ranks_of_a_host_share) {
  const std::vector<Place> places{{"n1", {0, 1, 2, 3}}, {"n2", {0, 1, 2, 3}}, {"n1", {0, 1, 2, 3}}};
  EXPECT_EQ(cores_to_bind(places, 0, 2), (Cores{0, 1}));
  EXPECT_EQ(cores_to_bind(places, 2, 2), (Cores{2, 3}));
  EXPECT_EQ(cores_to_bind(places, 0, 1), (Cores{0, 1})) << "fewer threads than cores move within the rank's part";
  EXPECT_EQ(cores_to_bind(places, 1, 4), Cores{}) << "alone on its host";
  // taskset, a cgroup or a Slurm step: cores are chosen out of the mask.
  EXPECT_EQ(cores_to_bind(std::vector<Place>(2, {"n1", {5, 7}}), 1, 1), Cores{7});
}

TEST(Binding, leaves_alone_what_a_launcher_has_dealt_out) {
  EXPECT_EQ(cores_to_bind({{"n1", {0, 1}}, {"n1", {2, 3}}}, 0, 1), Cores{});
  EXPECT_EQ(cores_to_bind({{"n1", {0, 1, 2, 3}}, {"n1", {0, 1, 2, 3}}, {"n1", {0}}}, 0, 1), Cores{})
      << "the first two would be pushed onto the third's core, or off it without reason";
}

TEST(Binding, leaves_threads_alone_that_do_not_fit) {
  EXPECT_EQ(cores_to_bind(std::vector<Place>(3, {"n1", {0, 1}}), 0, 1), Cores{}) << "more ranks than cores";
  EXPECT_EQ(cores_to_bind(std::vector<Place>(2, {"n1", {0, 1}}), 0, 2), Cores{}) << "more threads than cores";
  // Three ranks on eight cores get 2, 3 and 3: with three threads the first would be the slow one.
  const std::vector<Place> uneven(3, {"n1", {0, 1, 2, 3, 4, 5, 6, 7}});
  for (std::size_t rank = 0; rank < 3; ++rank) EXPECT_EQ(cores_to_bind(uneven, rank, 3), Cores{}) << rank;
  EXPECT_EQ(cores_to_bind(uneven, 1, 2), (Cores{2, 3, 4}));
}

TEST(Binding, gives_every_rank_enough_and_no_core_to_two) {
  rc::check([] {
    const int cores = *rc::gen::inRange(1, 20), ranks = *rc::gen::inRange(1, 20), threads = *rc::gen::inRange(1, 6);
    Cores all(static_cast<std::size_t>(cores));
    for (int core = 0; core < cores; ++core) all[static_cast<std::size_t>(core)] = 3 * core;
    const std::vector<Place> places(static_cast<std::size_t>(ranks), {"n1", all});
    std::vector<int> users(static_cast<std::size_t>(3 * cores));
    for (std::size_t rank = 0; rank < places.size(); ++rank) {
      const Cores bound = cores_to_bind(places, rank, threads);
      RC_ASSERT(bound.empty() == (ranks == 1 || cores / ranks < threads));
      RC_ASSERT(bound.empty() || bound.size() >= static_cast<std::size_t>(threads));
      for (const int core : bound) RC_ASSERT(++users[static_cast<std::size_t>(core)] == 1);
    }
  });
}

TEST(Binding, hardware_threads_of_a_core_stay_together) {
  // Two packages of two cores with two threads each, numbered as Linux does: second threads come last.
  const auto site = [](int core) { return CoreSite{core % 4 / 2, core % 2}; };
  EXPECT_EQ(neighbours_together({0, 1, 2, 3, 4, 5, 6, 7}, site), (Cores{0, 4, 1, 5, 2, 6, 3, 7}));
  EXPECT_EQ(neighbours_together({7, 3, 1}, site), (Cores{1, 3, 7}));
  EXPECT_EQ(site_of(1 << 20), (CoreSite{0, 1 << 20})) << "a core that the kernel does not know";
}

TEST(Binding, respects_orders_to_openmp) {
  EXPECT_FALSE(openmp_has_orders({{"OMP_NUM_THREADS", "1"}}));
  EXPECT_TRUE(openmp_has_orders({{"OMP_PROC_BIND", "false"}}));
  EXPECT_TRUE(openmp_has_orders({{"OMP_PLACES", "cores"}}));
}

TEST(Binding, is_said_in_one_line) {
  EXPECT_EQ(cores_text({}), "");
  EXPECT_EQ(cores_text({3, 0, 1, 2, 8, 10, 11}), "0-3,8,10-11");
  const std::vector<Place> places{{"n1", {0, 1}}, {"n1", {0, 1}}, {"n2", {0, 1}}};
  EXPECT_EQ(ranks_text(places, {{0}, {1}, {}}, 1), "3 ranks on 2 hosts, 1 thread each; on n1 bound to cores 0 | 1");
  EXPECT_EQ(ranks_text(places, {}, 2), "3 ranks on 2 hosts, 2 threads each; on n1 not bound, on cores 0-1 | 0-1");
  EXPECT_EQ(ranks_text({{"n1", {4}}}, {{}}, 1), "1 rank on 1 host, 1 thread each; on n1 not bound, on cores 4");
}

TEST(Binding, is_inherited_by_the_threads_that_follow) {
  // In a thread of its own, so that the other tests keep their cores.
  std::thread([] {
    const int last = available_cores().back();
    ASSERT_TRUE(bind_to({last}));
    EXPECT_EQ(available_cores(), Cores{last});
    std::thread([last] { EXPECT_EQ(available_cores(), Cores{last}); }).join();
  }).join();
  EXPECT_FALSE(bind_to({1 << 20}));
}

}  // namespace
}  // namespace isobath
