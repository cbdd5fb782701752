// What collectives promise, with sums in closed form: ranks contribute values whose reduction follows from (rank,
// size).

#include <cmath>
#include <limits>
#include <numeric>

#include "ops/core/host_waits.hpp"
#include "parallel/exchange.hpp"
#include "support/ranked/bodies.hpp"

namespace isobath {
namespace {

// 1 + 2 + ... + size.
std::int64_t sum_of_ranks(const Communicator& ranks) { return std::int64_t{ranks.size()} * (ranks.size() + 1) / 2; }

// Small and one piece, at lengths that no rank count divides; and several pieces with a ragged end.
const std::int64_t kCounts[] = {1, 2, 5, 1000, 4097, 70'001};
constexpr std::int64_t kSeveralPieces = 2'500'003;

template <class T>
std::vector<T> values(const Communicator& ranks, std::int64_t count) {
  std::vector<T> out(static_cast<std::size_t>(count));
  // Sums over 4 ranks stay below 2^8: every type, bf16 included, holds them without rounding.
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = T(static_cast<float>((ranks.rank() + 1) * (1 + i % 13)));
  return out;
}

template <class T>
void expect_all_reduce(Communicator& ranks, std::int64_t count, Reduce how) {
  auto data = values<T>(ranks, count);
  ranks.all_reduce(MutableBuffer::of(data), how).wait();
  const std::int64_t scale = how == Reduce::Sum ? sum_of_ranks(ranks) : how == Reduce::Max ? ranks.size() : 1;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < data.size(); ++i)
    wrong += static_cast<float>(data[i]) != static_cast<float>(scale * (1 + static_cast<std::int64_t>(i % 13)));
  EXPECT_EQ(wrong, 0u) << count << ' ' << name_of(dtype_of<T>);
}

RANKED_TEST(AllReduce, is_the_closed_form_for_every_type_and_length) {
  for (const std::int64_t count : kCounts) {
    for (const Reduce how : {Reduce::Sum, Reduce::Max, Reduce::Min}) {
      expect_all_reduce<float>(ranks, count, how);
      expect_all_reduce<bfloat16>(ranks, count, how);
      expect_all_reduce<double>(ranks, count, how);
      expect_all_reduce<std::int32_t>(ranks, count, how);
      expect_all_reduce<std::int64_t>(ranks, count, how);
    }
  }
  expect_all_reduce<float>(ranks, kSeveralPieces, Reduce::Sum);
  expect_all_reduce<bfloat16>(ranks, kSeveralPieces, Reduce::Sum);
}

RANKED_TEST(AllReduce, sums_in_rank_order_to_the_bit) {
  // Values whose sum depends on the order: 2^24 swallows a 1 that comes after it, but not one that came before.
  const auto of_rank = [](int rank, std::size_t i) {
    return (rank + i) % 2 ? 1.0F : 0x1p24F + static_cast<float>(i % 7);
  };
  for (const std::int64_t count : {100, 300'001}) {
    std::vector<float> data(static_cast<std::size_t>(count)), expected(data.size());
    for (std::size_t i = 0; i < data.size(); ++i) {
      data[i] = of_rank(ranks.rank(), i);
      for (int rank = 0; rank < ranks.size(); ++rank) expected[i] += of_rank(rank, i);
    }
    ranks.all_reduce(MutableBuffer::of(data), Reduce::Sum).wait();
    EXPECT_TRUE(data == expected);
  }
}

RANKED_TEST(AllReduce, adds_bf16_in_f32_and_rounds_once) {
  // Each rank adds 1 to rank 0's 256: in bf16, whose step there is 2, every single 1 would be lost (ties to even).
  std::vector<bfloat16> data(5000, bfloat16(ranks.rank() == 0 ? 256.0F : 1.0F));
  ranks.all_reduce(MutableBuffer::of(data), Reduce::Sum).wait();
  const bfloat16 expected(256.0F + static_cast<float>(ranks.size() - 1));
  for (const bfloat16 value : data) ASSERT_EQ(value.bits, expected.bits);
}

RANKED_TEST(AllReduce, keeps_a_nan_of_any_rank_visible) {
  for (const Reduce how : {Reduce::Sum, Reduce::Max, Reduce::Min})
    for (int bad = 0; bad < ranks.size(); ++bad) {
      std::vector<float> data(1, ranks.rank() == bad ? std::numeric_limits<float>::quiet_NaN() : 1.0F);
      ranks.all_reduce(MutableBuffer::of(data), how).wait();
      EXPECT_TRUE(std::isnan(data[0]));
    }
}

RANKED_TEST(AllReduce, of_nothing_and_of_meta_memory_is_legal) {
  std::vector<float> nothing;
  ranks.all_reduce(MutableBuffer::of(nothing), Reduce::Sum).wait();
  ranks.all_reduce(MutableBuffer(nullptr, 10, DType::F32, Device::meta()), Reduce::Sum).wait();
}

RANKED_TEST(ReduceScatter, gives_each_rank_its_piece) {
  for (const std::int64_t piece : {1, 7, 5000, 700'001}) {
    auto whole = values<float>(ranks, piece * ranks.size());
    std::vector<float> mine(static_cast<std::size_t>(piece));
    ranks.reduce_scatter(MutableBuffer::of(whole), MutableBuffer::of(mine), Reduce::Sum).wait();
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < mine.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i) + piece * ranks.rank();
      wrong += mine[i] != static_cast<float>(sum_of_ranks(ranks) * (1 + at % 13));
    }
    EXPECT_EQ(wrong, 0u) << piece;
  }
}

RANKED_TEST(ReduceScatter, may_write_into_its_own_piece_of_the_whole) {
  const std::int64_t piece = 3000;
  auto whole = values<double>(ranks, piece * ranks.size());
  const MutableBuffer mine{whole.data() + piece * ranks.rank(), piece, DType::F64};
  ranks.reduce_scatter(MutableBuffer::of(whole), mine, Reduce::Max).wait();
  for (std::int64_t i = piece * ranks.rank(); i < piece * (ranks.rank() + 1); ++i)
    ASSERT_EQ(whole[static_cast<std::size_t>(i)], static_cast<double>(ranks.size() * (1 + i % 13)));
}

RANKED_TEST(AllGather, collects_in_rank_order_from_outside_and_in_place) {
  const std::int64_t piece = 1001;
  std::vector<std::int64_t> mine(static_cast<std::size_t>(piece)),
      expected(mine.size() * static_cast<std::size_t>(ranks.size()));
  std::iota(expected.begin(), expected.end(), 0);
  std::iota(mine.begin(), mine.end(), piece * ranks.rank());
  std::vector<std::int64_t> whole(expected.size(), -1);
  ranks.all_gather(MutableBuffer::of(mine), MutableBuffer::of(whole)).wait();
  EXPECT_TRUE(whole == expected);
  std::fill(whole.begin(), whole.end(), -1);
  std::copy(mine.begin(), mine.end(), whole.begin() + piece * ranks.rank());
  ranks.all_gather(Buffer(whole.data() + piece * ranks.rank(), piece, DType::I64), MutableBuffer::of(whole)).wait();
  EXPECT_TRUE(whole == expected);
}

RANKED_TEST(Broadcast, reaches_every_rank_from_every_root) {
  for (int root = 0; root < ranks.size(); ++root) {
    std::vector<float> data(10'007, static_cast<float>(ranks.rank()));
    ranks.broadcast(MutableBuffer::of(data), Root{root}).wait();
    EXPECT_TRUE(data == std::vector<float>(data.size(), static_cast<float>(root)));
  }
}

RANKED_TEST(Exchange, carries_texts_of_any_length) {
  const std::string mine(static_cast<std::size_t>(ranks.rank() * 3), static_cast<char>('a' + ranks.rank()));
  std::vector<std::string> all;
  for (int rank = 0; rank < ranks.size(); ++rank)
    all.emplace_back(static_cast<std::size_t>(rank * 3), static_cast<char>('a' + rank));
  const int root = ranks.size() - 1;
  EXPECT_EQ(gather_text(ranks, mine, Root{root}), ranks.rank() == root ? all : std::vector<std::string>{});
  EXPECT_EQ(all_gather_text(ranks, mine), all);
  EXPECT_EQ(broadcast_text(ranks, mine, Root{root}), all.back());
  EXPECT_EQ(broadcast_text(ranks, ranks.rank() == 0 ? "" : "ignored"), "");
}

RANKED_TEST(Split, forms_groups_that_work_on_their_own) {
  // Even and odd ranks; the odd group does not exist on one rank.
  const auto part = ranks.split(Color{ranks.rank() % 2});
  const int members = (ranks.size() + 1 - ranks.rank() % 2) / 2;
  EXPECT_EQ(part->size(), members);
  EXPECT_EQ(part->rank(), ranks.rank() / 2);
  std::vector<std::int64_t> data(3000, ranks.rank());
  part->all_reduce(MutableBuffer::of(data), Reduce::Sum).wait();
  std::int64_t expected = 0;
  for (int rank = ranks.rank() % 2; rank < ranks.size(); rank += 2) expected += rank;
  EXPECT_TRUE(data == std::vector<std::int64_t>(data.size(), expected));
  const auto again = part->split(Color{0});
  EXPECT_EQ(again->size(), members);
  again->barrier();
}

RANKED_TEST(Collectives, run_in_the_order_of_the_calls_while_the_caller_goes_on) {
  std::vector<float> a(100'000, 1.0F), b(100'000, 2.0F);
  Collective first = ranks.all_reduce(MutableBuffer::of(a), Reduce::Sum);
  Collective second = ranks.all_reduce(MutableBuffer::of(b), Reduce::Sum);
  const CollectiveTimes later = second.wait(), earlier = first.wait();
  EXPECT_LE(earlier.started, earlier.finished);
  EXPECT_LE(earlier.finished, later.started);
  EXPECT_EQ(a[99'999], static_cast<float>(ranks.size()));
  EXPECT_EQ(b[99'999], static_cast<float>(2 * ranks.size()));
}

RANKED_TEST(Collectives, may_be_moved_and_dropped_before_they_end) {
  std::vector<float> dropped(400'000, 1.0F), replaced(400'000, 1.0F), last(400'000, 1.0F);
  static_cast<void>(ranks.all_reduce(MutableBuffer::of(dropped), Reduce::Sum));
  EXPECT_EQ(dropped[399'999], static_cast<float>(ranks.size()));  // dropping waits
  Collective one = ranks.all_reduce(MutableBuffer::of(replaced), Reduce::Sum);
  one = ranks.all_reduce(MutableBuffer::of(last), Reduce::Sum);
  EXPECT_EQ(replaced[399'999], static_cast<float>(ranks.size()));
  Collective moved = std::move(one);
  moved.wait();
  EXPECT_EQ(last[399'999], static_cast<float>(ranks.size()));
  moved.wait();  // a second wait returns at once
}

RANKED_TEST(Collectives, count_a_host_wait_only_where_the_host_waits) {
  std::vector<float> data(10, 1.0F);
  const std::int64_t before = host_waits();
  ranks.all_reduce(MutableBuffer::of(data), Reduce::Sum).before(CpuQueue{});
  EXPECT_EQ(host_waits(), before);
  ranks.all_reduce(MutableBuffer::of(data), Reduce::Sum).wait();
  EXPECT_EQ(host_waits(), before + 1);
}

RANKED_TEST(Collectives, refuse_what_cannot_be) {
  std::vector<float> data(10);
  EXPECT_THROW(ranks.broadcast(MutableBuffer::of(data), Root{ranks.size()}), InternalError);
  std::vector<float> whole(static_cast<std::size_t>(10 * ranks.size() + 1));
  EXPECT_THROW(ranks.all_gather(MutableBuffer::of(data), MutableBuffer::of(whole)), InternalError);
  ranks.barrier();  // and go on
}

}  // namespace
}  // namespace isobath
