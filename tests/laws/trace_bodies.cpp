// The trace of a step: JSON that a viewer takes, spans that nest, whatever the step does in one of its named parts,
// communication on a row of its own.

#include <chrono>
#include <fstream>

#include "laws/small_run.hpp"
#include "ops/core/files/json.hpp"
#include "ops/core/op_clock.hpp"
#include "parallel/agreement.hpp"
#include "parallel/exchange.hpp"
#include "support/ranked/bodies.hpp"
#include "support/temp_folder.hpp"
#include "trainer/report/step_trace.hpp"

namespace isobath::test {
namespace {

struct Event {
  std::string name;
  double begin = 0.0, end = 0.0;  // microseconds
};

/// The complete events of a rank's row, outer ones before those within them.
std::vector<Event> row_of(const nlohmann::json& trace, int rank, int row) {
  std::vector<Event> events;
  for (const auto& event : trace.at("traceEvents")) {
    if (event.at("ph") != "X" || event.at("pid") != rank || event.at("tid") != row) continue;
    const double begin = event.at("ts"), duration = event.at("dur");
    EXPECT_GE(begin, 0.0);
    EXPECT_GE(duration, 0.0);
    events.push_back({event.at("name"), begin, begin + duration});
  }
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  return events;
}

// Times are whole nanoseconds, written as microseconds: sums are off by roundings only.
constexpr double kRounding = 1e-3;

void expect_nesting(const std::vector<Event>& events) {
  std::vector<Event> open;
  for (const Event& event : events) {
    while (!open.empty() && open.back().end <= event.begin + kRounding) open.pop_back();
    if (!open.empty()) {
      EXPECT_LE(event.end, open.back().end + kRounding) << event.name << " sticks out of " << open.back().name;
    }
    open.push_back(event);
  }
}

/// The names of the events right below the first, which encloses all, in their order.
std::vector<std::string> parts_of(const std::vector<Event>& events) {
  std::vector<std::string> names;
  double until = events.front().begin;
  for (std::size_t i = 1; i < events.size(); ++i) {
    if (events[i].begin < until - kRounding) continue;
    names.push_back(events[i].name);
    until = events[i].end;
  }
  return names;
}

nlohmann::json traced_step(Communicator& ranks, const std::filesystem::path& path, double& seconds) {
  RunConfig config = small_config(DepthPolicy::MixtureOfDepths);
  config.train.recompute = Recompute::Block;
  config.train.bucket_mib = 0.02;
  Replica replica(config, Device::cpu(), ranks.size());
  Trainer trainer(config, replica, ranks);
  const Batch batch = small_batch(config, 0, share_of(config.train.batch, {ranks.rank(), ranks.size()}));
  trainer.step(batch);
  const auto origin = std::chrono::steady_clock::now().time_since_epoch();
  const OpClock clock(KeepSpans::Yes);
  seconds = trainer.step(batch).seconds;
  write_trace(path, trace_events(clock.spans(), ranks.rank(), std::chrono::nanoseconds(origin).count()), ranks);
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

RANKED_TEST(Trace, nests_and_covers_the_step) {
  std::optional<TempFolder> folder;
  if (ranks.rank() == 0) folder.emplace();
  const std::filesystem::path path = broadcast_text(ranks, folder ? (folder->path() / "trace.json").string() : "");
  double seconds = 0.0;
  const nlohmann::json trace = traced_step(ranks, path, seconds);
  for (int rank = 0; rank < ranks.size(); ++rank) {
    const std::vector<Event> events = row_of(trace, rank, 0), sent = row_of(trace, rank, 1);
    expect_nesting(events);
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events.front().name, "step");
    const double step = events.front().end - events.front().begin;
    if (rank == ranks.rank()) {
      EXPECT_GE(step, seconds * 1e6 - kRounding) << "the span encloses what is measured";
    }
    EXPECT_EQ(parts_of(events), (std::vector<std::string>{"count", "forward", "backward", "reduce", "update"}))
        << "an op or a wait lies outside of the parts";
    std::map<std::string, int> count;
    for (const Event& event : events) ++count[event.name];
    EXPECT_EQ(count["forward"], 1);
    EXPECT_EQ(count["backward"], 1);
    EXPECT_EQ(count["update"], 1);
    EXPECT_GT(count["linear"], 4 * 6 * 3);
    if (ranks.size() > 1) {
      EXPECT_FALSE(sent.empty());
    }
    for (std::size_t i = 1; i < sent.size(); ++i) EXPECT_GE(sent[i].begin, sent[i - 1].end - kRounding);
    for (const Event& event : sent) EXPECT_LE(event.end, events.front().end);
  }
  ranks.barrier();  // the folder goes when all have read
}

RANKED_TEST(Trace, that_cannot_be_written_is_an_error_of_every_rank) {
  EXPECT_THROW(write_trace("/proc/nowhere/trace.json", "[]", ranks), AgreedError);
}

TEST(Spans, AreKeptOnlyOnDemand) {
  const OpClock clock;
  { const SpanScope span("nothing"); }
  note_span("nothing", SpanRow::Communication, 1, 2);
  EXPECT_TRUE(clock.spans().empty());
}

}  // namespace
}  // namespace isobath::test
