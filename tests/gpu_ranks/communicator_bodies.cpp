// What collectives over device memory promise, with sums in closed form.

#include <chrono>
#include <cstring>
#include <numeric>
#include <thread>

#include "gpu_ranks/ranks.hpp"
#include "gpu_ranks/said.hpp"
#include "ops/core/host_waits.hpp"
#include "parallel/exchange.hpp"
#include "parallel/transport/collective_ring.hpp"
#include "support/ranked/bodies.hpp"

namespace isobath {
namespace {

using test::device;
using test::on_device;

std::int64_t sum_of_ranks(const Communicator& ranks) { return std::int64_t{ranks.size()} * (ranks.size() + 1) / 2; }

template <class T>
std::vector<T> values(int factor, std::int64_t count) {
  std::vector<T> out(static_cast<std::size_t>(count));
  // Sums over 4 ranks stay below 2^8: every type, bf16 included, holds them without rounding.
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = T(static_cast<float>(factor * static_cast<int>(1 + i % 13)));
  return out;
}

template <class T>
bool is_equal(const std::vector<T>& got, const std::vector<T>& want) {
  return got.size() == want.size() && std::memcmp(got.data(), want.data(), got.size() * sizeof(T)) == 0;
}

template <class T>
void expect_all_reduce(Communicator& ranks, std::int64_t count, Reduce how) {
  const Tensor data = on_device(values<T>(ranks.rank() + 1, count));
  ranks.all_reduce(data, how).wait();
  const std::int64_t factor = how == Reduce::Sum ? sum_of_ranks(ranks) : how == Reduce::Max ? ranks.size() : 1;
  EXPECT_TRUE(is_equal(data.to_vector<T>(), values<T>(static_cast<int>(factor), count)))
      << count << ' ' << name_of(dtype_of<T>);
}

RANKED_TEST(GpuAllReduce, is_the_closed_form_for_every_type_and_length) {
  for (const std::int64_t count : {1, 5, 1000, 70'001})
    for (const Reduce how : {Reduce::Sum, Reduce::Max, Reduce::Min}) {
      expect_all_reduce<float>(ranks, count, how);
      expect_all_reduce<bfloat16>(ranks, count, how);
      expect_all_reduce<double>(ranks, count, how);
      expect_all_reduce<std::int32_t>(ranks, count, how);
      expect_all_reduce<std::int64_t>(ranks, count, how);
    }
}

RANKED_TEST(GpuAllReduce, gives_every_rank_the_same_bits) {
  std::vector<float> mine(10'007);
  for (std::size_t i = 0; i < mine.size(); ++i)  // whose sum depends on the order
    mine[i] = 1.0F / static_cast<float>(1 + (i * 7 + static_cast<std::size_t>(ranks.rank()) * 13) % 101);
  const Tensor data = on_device(mine);
  ranks.all_reduce(data, Reduce::Sum).wait();
  const std::vector<float> sums = data.to_vector<float>();
  const std::string bits(reinterpret_cast<const char*>(sums.data()), sums.size() * sizeof(float));
  EXPECT_EQ(broadcast_text(ranks, bits), bits);
  const Tensor again = on_device(mine);
  ranks.all_reduce(again, Reduce::Sum).wait();
  EXPECT_TRUE(is_equal(again.to_vector<float>(), sums));
}

RANKED_TEST(GpuAllReduce, of_nothing_and_of_meta_memory_is_legal) {
  ranks.all_reduce(MutableBuffer(nullptr, 0, DType::F32, device()), Reduce::Sum).wait();
  ranks.all_reduce(MutableBuffer(nullptr, 10, DType::F32, Device::meta()), Reduce::Sum).wait();
}

RANKED_TEST(GpuReduceScatter, gives_each_rank_its_piece_outside_and_in_place) {
  for (const std::int64_t piece : {1, 7, 5000}) {
    const auto all = values<float>(ranks.rank() + 1, piece * ranks.size());
    const auto sums = values<float>(static_cast<int>(sum_of_ranks(ranks)), piece * ranks.size());
    const auto begin = sums.begin() + piece * ranks.rank();
    const std::vector<float> expected(begin, begin + piece);
    const Tensor whole = on_device(all), mine = Tensor::empty(Shape{piece}, DType::F32, device());
    ranks.reduce_scatter(whole, mine, Reduce::Sum).wait();
    EXPECT_TRUE(is_equal(mine.to_vector<float>(), expected));
    const Tensor own = whole.slice(piece * ranks.rank(), Shape{piece});
    ranks.reduce_scatter(whole, own, Reduce::Sum).wait();
    EXPECT_TRUE(is_equal(own.to_vector<float>(), expected));
  }
}

RANKED_TEST(GpuAllGather, collects_in_rank_order_outside_and_in_place) {
  const std::int64_t piece = 1001;
  std::vector<std::int64_t> mine(static_cast<std::size_t>(piece)),
      expected(mine.size() * static_cast<std::size_t>(ranks.size()));
  std::iota(expected.begin(), expected.end(), 0);
  std::iota(mine.begin(), mine.end(), piece * ranks.rank());
  const Tensor whole = Tensor::zeros(Shape{piece * ranks.size()}, DType::I64, device());
  ranks.all_gather(on_device(mine), whole).wait();
  EXPECT_TRUE(is_equal(whole.to_vector<std::int64_t>(), expected));
  whole.fill_zero();
  const Tensor own = whole.slice(piece * ranks.rank(), Shape{piece});
  own.copy_from(on_device(mine));
  ranks.all_gather(own, whole).wait();
  EXPECT_TRUE(is_equal(whole.to_vector<std::int64_t>(), expected));
}

RANKED_TEST(GpuBroadcast, reaches_every_rank_from_every_root) {
  for (int root = 0; root < ranks.size(); ++root) {
    const Tensor data = on_device(values<float>(ranks.rank() + 1, 10'007));
    ranks.broadcast(data, Root{root}).wait();
    EXPECT_TRUE(is_equal(data.to_vector<float>(), values<float>(root + 1, 10'007)));
  }
}

RANKED_TEST(GpuSplit, forms_groups_that_work_on_their_own) {
  const auto part = ranks.split(Color{ranks.rank() % 2});
  const Tensor data = on_device(std::vector<std::int64_t>(3000, ranks.rank()));
  part->all_reduce(data, Reduce::Sum).wait();
  std::int64_t expected = 0;
  for (int rank = ranks.rank() % 2; rank < ranks.size(); rank += 2) expected += rank;
  EXPECT_TRUE(is_equal(data.to_vector<std::int64_t>(), std::vector<std::int64_t>(3000, expected)));
}

// Collectives between steps of the compute queue, each ordered by events alone.
RANKED_TEST(GpuCollectives, are_ordered_with_the_queue_while_the_host_goes_on) {
  const Tensor data = Tensor::zeros(Shape{1000}, DType::I64, device());
  const Tensor one = on_device(std::vector<std::int64_t>(1000, 1)), sum = on_device(std::vector<std::int64_t>(1000, 0));
  ranks.barrier();
  const std::int64_t before = host_waits();
  for (int round = 0; round < 10; ++round) {
    data.copy_from(round == 0 ? one : sum);
    ranks.all_reduce(data, Reduce::Sum).before(current_cuda_queue(device()));
    sum.copy_from(data);
    data.fill_zero();
  }
  EXPECT_EQ(host_waits(), before);
  std::int64_t expected = 1;
  for (int round = 0; round < 10; ++round) expected *= ranks.size();
  EXPECT_TRUE(is_equal(sum.to_vector<std::int64_t>(), std::vector<std::int64_t>(1000, expected)));
}

RANKED_TEST(GpuCollectives, may_be_moved_and_dropped_before_they_end) {
  const Tensor dropped = on_device(std::vector<float>(4000, 1.0F)), moved = on_device(std::vector<float>(4000, 1.0F));
  static_cast<void>(ranks.all_reduce(dropped, Reduce::Sum));
  Collective one = ranks.all_reduce(moved, Reduce::Sum);
  Collective other = std::move(one);
  other.wait();
  const std::vector<float> expected(4000, static_cast<float>(ranks.size()));
  EXPECT_TRUE(is_equal(dropped.to_vector<float>(), expected));
  EXPECT_TRUE(is_equal(moved.to_vector<float>(), expected));
}

RANKED_TEST(GpuCollectives, leave_the_memory_of_the_host_to_the_host) {
  std::vector<float> data(100, 1.0F);
  ranks.all_reduce(MutableBuffer::of(data), Reduce::Sum).wait();
  EXPECT_EQ(data[99], static_cast<float>(ranks.size()));
}

RANKED_TEST(GpuCollectives, refuse_what_cannot_be) {
  const Tensor data = Tensor::zeros(Shape{10}, DType::F32, device());
  EXPECT_THROW(ranks.broadcast(data, Root{ranks.size()}), InternalError);
  EXPECT_THROW(ranks.all_gather(data, Tensor::zeros(Shape{10 * ranks.size() + 1}, DType::F32, device())),
               InternalError);
}

/// The notes of what NCCL carried, in order.
std::vector<CollectiveNote> notes_of_nccl(const Communicator& ranks) {
  std::vector<CollectiveNote> notes = ranks.ring()->notes();
  std::erase_if(notes, [](const CollectiveNote& note) { return note.carrier != Carrier::Nccl; });
  return notes;
}

RANKED_TEST(GpuNotes, tell_what_was_called_and_what_has_ended) {
  const Tensor data = Tensor::zeros(Shape{10}, DType::F32, device());
  ranks.all_reduce(data, Reduce::Sum).wait();
  const CollectiveNote done = notes_of_nccl(ranks).back();
  EXPECT_EQ(done.kind, CallKind::AllReduce);
  EXPECT_EQ(done.bytes, 40);
  EXPECT_GE(done.finished, done.started);
  ranks.all_reduce(data, Reduce::Sum).before(current_cuda_queue(device()));
  const auto called = notes_of_nccl(ranks).back().sequence;
  const auto has_ended = [&] {
    for (const CollectiveNote& note : notes_of_nccl(ranks))
      if (note.sequence == called) return !note.is_running();
    return true;
  };
  for (int look = 0; look < 300 && !has_ended(); ++look) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(has_ended()) << "nobody looked for three seconds";
}

// The last rank never makes the call; the others' limit ends it, and that tells the last one.
RANKED_TEST(GpuFailures, of_one_rank_reach_all_within_the_limit) {
  if (ranks.size() == 1) return;
  const auto group = nccl_communicator(ranks, device(), {.start = 60, .collective = 0.3, .abort = 60});
  const Tensor data = Tensor::zeros(Shape{10}, DType::F32, device());
  ranks.barrier();
  if (ranks.rank() < ranks.size() - 1) {
    EXPECT_THROW(group->all_reduce(data, Reduce::Sum).wait(), PeerError);
    EXPECT_TRUE(notes_of_nccl(ranks).back().is_running()) << "it never ended";
  }
  ranks.barrier();
  const auto until_it_is_known = [&] {
    for (int look = 0; look < 200; ++look) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      group->all_gather(data, Tensor::zeros(Shape{10 * ranks.size()}, DType::F32, device())).before(CpuQueue{});
    }
  };
  EXPECT_THROW(until_it_is_known(), PeerError);
}

// Neither a good end nor one in the middle of an error is worth a line: ncclCommAbort has nothing to complain of.
RANKED_TEST(GpuLinks, end_without_a_word) {
  const Tensor data = Tensor::zeros(Shape{10}, DType::F32, device());
  const auto used_group = [&] {
    auto group = nccl_communicator(ranks, device(), {});
    group->all_reduce(data, Reduce::Sum).wait();
    return group;
  };
  std::string words;
  {
    const test::Said said;
    used_group();
    ranks.barrier();
    try {
      const auto group = used_group();
      ranks.barrier();  // nobody is in a call that another's abort would end
      throw InternalError("what ends the work of every rank");
    } catch (const InternalError&) {
    }
    words = said.text();
  }
  EXPECT_EQ(words.find("ncclComm"), std::string::npos) << words;
}

}  // namespace
}  // namespace isobath
