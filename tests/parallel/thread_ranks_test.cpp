// How groups of threads end: in order, by an error of one rank, by a rank that leaves.

#include "parallel/thread_ranks.hpp"

#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "parallel/self_communicator.hpp"

namespace isobath {
namespace {

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

TEST(ThreadRanks, the_first_error_is_thrown_and_frees_the_others) {
  std::atomic<int> freed{0};
  const auto body = [&](Communicator& ranks) {
    if (ranks.rank() == 1) throw DataError("file.bin is empty");
    std::vector<float> data(100'000, 1.0F);
    try {
      ranks.all_reduce(MutableBuffer::of(data), Reduce::Sum).wait();
    } catch (const PeerError& error) {
      freed += std::string(error.what()) == "rank 1 ended the job with exit code 65";
      throw;
    }
  };
  EXPECT_THROW(run_ranks({3}, body), DataError);
  EXPECT_EQ(freed, 2);
}

TEST(ThreadRanks, an_error_counts_more_than_what_it_caused_earlier_elsewhere) {
  std::atomic<bool> noticed{false};
  const auto body = [&](Communicator& ranks) {
    auto part = ranks.split(Color{0});
    if (ranks.rank() == 0) {
      try {
        part->barrier();
      } catch (const PeerError&) {
        noticed = true;
        throw;
      }
    }
    part.reset();  // as on the way out of a failed body: the other rank learns of it before run_ranks does
    while (!noticed) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    throw DataError("file.bin is empty");
  };
  EXPECT_THROW(run_ranks({2}, body), DataError);
}

TEST(ThreadRanks, a_failed_group_stays_failed) {
  const auto body = [&](Communicator& ranks) {
    if (ranks.rank() == 0) return ranks.abort(ExitCode::Data);
    EXPECT_THROW(ranks.barrier(), PeerError);
    EXPECT_EQ(error_of([&] { ranks.barrier(); }), "rank 0 ended the job with exit code 65");
  };
  run_ranks({2}, body);
}

TEST(ThreadRanks, an_error_frees_ranks_that_wait_in_a_part) {
  const auto body = [](Communicator& ranks) {
    const auto part = ranks.split(Color{ranks.rank() / 2});
    if (ranks.rank() == 3) throw DataError("rank 3 cannot go on");
    part->barrier();                        // rank 2 waits for rank 3 here,
    if (ranks.rank() < 2) ranks.barrier();  // and ranks 0 and 1 here
  };
  EXPECT_THROW(run_ranks({4}, body), DataError);
}

TEST(ThreadRanks, an_abort_frees_ranks_that_wait_in_a_part_for_a_rank_that_lives_on) {
  std::atomic<bool> freed{false};
  const auto body = [&](Communicator& ranks) {
    const auto part = ranks.split(Color{0});
    if (ranks.rank() == 0) {
      EXPECT_THROW(part->barrier(), PeerError);
      freed = true;
      return;
    }
    ranks.abort(ExitCode::PeerLost);
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!freed && std::chrono::steady_clock::now() < limit)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(freed);
  };
  run_ranks({2}, body);
}

TEST(ThreadRanks, waiting_for_a_rank_that_has_left_is_an_error) {
  const auto body = [](Communicator& ranks) {
    if (ranks.rank() != 0) ranks.barrier();
  };
  EXPECT_EQ(error_of([&] { run_ranks({3}, body); }), "rank 0 has left");
}

TEST(ThreadRanks, a_dropped_collective_of_a_broken_group_does_not_hang_or_throw) {
  const auto body = [](Communicator& ranks) {
    std::vector<float> data(1000);
    const Collective pending = ranks.all_reduce(MutableBuffer::of(data), Reduce::Sum);
    if (ranks.rank() == 0) ranks.abort(ExitCode::Internal);
  };
  EXPECT_NO_THROW(run_ranks({1}, body));
  const auto partly = [](Communicator& ranks) {
    std::vector<float> data(1000);
    if (ranks.rank() == 1) throw DataError("before the call");
    const Collective pending = ranks.all_reduce(MutableBuffer::of(data), Reduce::Sum);
  };
  EXPECT_THROW(run_ranks({2}, partly), DataError);
}

TEST(ThreadRanks, refuse_device_memory) {
  const auto body = [](Communicator& ranks) {
    ranks.all_reduce(MutableBuffer(nullptr, 10, DType::F32, Device::cuda(0)), Reduce::Sum).wait();
  };
  EXPECT_THROW(run_ranks({2}, body), BackendError);
}

TEST(CallCheck, names_the_rank_with_another_length) {
  const auto body = [](Communicator& ranks) {
    std::vector<float> data(ranks.rank() == 2 ? 11 : 10);
    ranks.all_reduce(MutableBuffer::of(data), Reduce::Sum).wait();
  };
  EXPECT_EQ(
      error_of([&] {
        run_ranks({4, CallCheck::On}, body);
      }),
      "rank 2 called all_reduce of 11 f32 (sum) while other ranks called all_reduce of 10 f32 (sum); all ranks must "
      "make the same calls in the same order");
}

TEST(CallCheck, names_the_rank_with_another_call_or_type_on_every_rank) {
  std::atomic<int> told{0};
  const auto body = [&](Communicator& ranks) {
    std::vector<float> data(4);
    std::vector<std::int32_t> integers(4);
    const std::string message = error_of([&] {
      if (ranks.rank() == 0)
        ranks.all_reduce(MutableBuffer::of(integers), Reduce::Max).wait();
      else
        ranks.broadcast(MutableBuffer::of(data), Root{1}).wait();
    });
    told += message.starts_with(
        "rank 0 called all_reduce of 4 i32 (max) while other ranks called broadcast of 4 f32 from "
        "rank 1;");
    // The failure is final and nothing runs after it, although all ranks could go on.
    std::vector<float> untouched(1, 1.0F);
    EXPECT_THROW(ranks.all_reduce(MutableBuffer::of(untouched), Reduce::Sum).wait(), PeerError);
    EXPECT_EQ(untouched[0], 1.0F);
  };
  run_ranks({3, CallCheck::On}, body);
  EXPECT_EQ(told, 3);
}

TEST(SelfCommunicator, copies_where_two_buffers_were_given_and_moves_nothing_else) {
  SelfCommunicator self;
  std::vector<float> from{1, 2, 3}, to(3);
  self.reduce_scatter(MutableBuffer::of(from), MutableBuffer::of(to), Reduce::Sum).wait();
  EXPECT_EQ(to, from);
  from = {4, 5, 6};
  self.all_gather(MutableBuffer::of(from), MutableBuffer::of(to)).wait();
  EXPECT_EQ(to, from);
  self.all_reduce(MutableBuffer::of(from), Reduce::Sum).wait();
  EXPECT_EQ(to, from);
  EXPECT_THROW(self.broadcast(MutableBuffer::of(from), Root{1}), InternalError);
  EXPECT_EQ(self.split(Color{3})->size(), 1);
}

}  // namespace
}  // namespace isobath
