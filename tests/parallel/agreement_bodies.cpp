// One decision on every rank.

#include "parallel/agreement.hpp"
#include "parallel/exchange.hpp"
#include "parallel/world.hpp"
#include "support/ranked/bodies.hpp"

namespace isobath {
namespace {

// Runs `call`, which throws AgreedError on every rank with one text and exactly one voice, and returns the error.
AgreedError agreed(Communicator& ranks, const std::function<void()>& call) {
  AgreedError caught(ExitCode::Done, "nothing was thrown", -1, Voice::Silent);
  try {
    call();
  } catch (const AgreedError& error) {
    caught = error;
  }
  const auto texts = all_gather_text(ranks, caught.what());
  EXPECT_EQ(std::count(texts.begin(), texts.end(), texts[0]), ranks.size());
  std::int32_t voices = caught.voice() == Voice::Speaks ? 1 : 0;
  ranks.all_reduce({&voices, 1, DType::I32}, Reduce::Sum).wait();
  EXPECT_EQ(voices, 1);
  return caught;
}

RANKED_TEST(Agreement, equal_facts_pass) {
  EXPECT_NO_THROW(agree(ranks, {{"version", "0.1.0"}, {"threads", "1"}, {"empty", ""}}));
}

RANKED_TEST(Agreement, names_the_rank_that_differs_with_both_values) {
  if (ranks.size() < 3) return;  // of two that differ neither is the odd one
  const std::string dataset = ranks.rank() == 1 ? "other.bin" : "train.bin";
  const AgreedError error = agreed(ranks, [&] { agree(ranks, {{"version", "0.1.0"}, {"dataset", dataset}}); });
  EXPECT_EQ(std::string(error.what()),
            "the ranks do not agree:\n  rank 1 has dataset = other.bin where most ranks have train.bin\n"
            "start every rank with the same program, configuration, data and settings");
  EXPECT_EQ(error.code(), ExitCode::Config);
  EXPECT_EQ(error.rank(), 1);
}

RANKED_TEST(Agreement, names_a_fact_that_a_rank_lacks) {
  if (ranks.size() < 2) return;  // one rank agrees with itself
  std::vector<Fact> facts{{"version", "0.1.0"}};
  if (ranks.rank() != ranks.size() - 1) facts.push_back({"threads", "4"});
  const AgreedError error = agreed(ranks, [&] { agree(ranks, facts); });
  EXPECT_NE(std::string(error.what()).find(text("rank ", ranks.size() - 1, " has threads = (absent)")),
            std::string::npos)
      << error.what();
}

RANKED_TEST(Agreement, the_error_of_the_lowest_failing_rank_is_that_of_all) {
  const int failing = ranks.size() / 2;  // and all above it, with other texts
  const AgreedError error = agreed(ranks, [&] {
    std::optional<RankError> mine;
    if (ranks.rank() >= failing) mine = RankError{ExitCode::Data, text("rank ", ranks.rank(), ": train.bin is empty")};
    agree_on_error(ranks, mine);
  });
  EXPECT_EQ(std::string(error.what()), text("rank ", failing, ": train.bin is empty"));
  EXPECT_EQ(error.code(), ExitCode::Data);
  EXPECT_EQ(error.rank(), failing);
  EXPECT_EQ(error.voice() == Voice::Speaks, ranks.rank() == failing);
  EXPECT_NO_THROW(agree_on_error(ranks, std::nullopt));  // the group goes on
}

RANKED_TEST(Agreement, a_body_fails_or_succeeds_everywhere) {
  const AgreedError error = agreed(ranks, [&] {
    on_every_rank(ranks, [&]() -> int {
      if (ranks.rank() == ranks.size() - 1) throw StorageError("the disk is full");
      return 1;
    });
  });
  EXPECT_EQ(std::string(error.what()), "the disk is full");
  EXPECT_EQ(error.code(), ExitCode::Storage);
  EXPECT_EQ(on_every_rank(ranks, [&] { return ranks.rank(); }), ranks.rank());
  int calls = 0;
  on_every_rank(ranks, [&] { ++calls; });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(agreed(ranks, [&] { on_every_rank(ranks, [] { throw std::out_of_range("at"); }); }).code(),
            ExitCode::Internal);
  EXPECT_THROW(on_every_rank(ranks, [] { throw PeerError("gone"); }), PeerError);  // nobody is asked any more
}

RANKED_TEST(World, ranks_of_one_host_share_its_cores) {
  // mpirun without binding, and threads: every rank may run on every core.
  const int expected = std::max(1, static_cast<int>(available_cores().size()) / ranks.size());
  const std::vector<Place> places = gather_places(ranks);
  const HostShare share = host_share(places, static_cast<std::size_t>(ranks.rank()));
  EXPECT_EQ(share.threads, expected);
  EXPECT_EQ(share.ranks, ranks.size());
  EXPECT_EQ(share.cores, static_cast<int>(available_cores().size()));
}

}  // namespace
}  // namespace isobath
