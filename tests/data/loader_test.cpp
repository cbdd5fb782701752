// The loader: samples are a function of (seed, index), whatever the ranks, the step it starts at, or the thread.

#include "data/batches/loader.hpp"

#include <algorithm>
#include <memory>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "data/data_support.hpp"

namespace isobath {
namespace {

using test::counting_stream;
using test::refuses;

constexpr std::int64_t kContext = 6;

// Token i is i, so inputs name positions.
TokenSplit example_split() {
  static const auto stream = counting_stream(300);
  return {stream, {{0, 100}, {120, 290}}};
}

LoaderOptions options(std::int64_t batch, ShardSpec shard = {}, std::int64_t prefetch = 2) {
  return {.context = kContext, .global_batch = batch, .seed = 5, .shard = shard, .prefetch = prefetch};
}

struct Drawn {
  std::vector<std::int64_t> ids;
  std::vector<std::int32_t> inputs, targets;
  bool operator==(const Drawn&) const = default;
};

void append(Drawn& drawn, const Batch& batch) {
  const auto ids = batch.samples.to_vector<std::int64_t>();
  const auto inputs = batch.inputs.to_vector<std::int32_t>(), targets = batch.targets.to_vector<std::int32_t>();
  EXPECT_EQ(ids, batch.sample_ids);
  EXPECT_EQ(batch.valid(), batch.size() * batch.context);
  drawn.ids.insert(drawn.ids.end(), ids.begin(), ids.end());
  drawn.inputs.insert(drawn.inputs.end(), inputs.begin(), inputs.end());
  drawn.targets.insert(drawn.targets.end(), targets.begin(), targets.end());
}

// Steps [0, steps) of every rank, in rank order within a step.
Drawn draw(std::int64_t batch, std::int64_t ranks, std::int64_t steps, std::int64_t prefetch = 2) {
  std::vector<std::unique_ptr<Loader>> loaders;
  for (std::int64_t rank = 0; rank < ranks; ++rank)
    loaders.push_back(std::make_unique<Loader>(example_split(), options(batch, {rank, ranks}, prefetch)));
  Drawn out;
  for (std::int64_t step = 0; step < steps; ++step)
    for (auto& loader : loaders) append(out, loader->next());
  return out;
}

TEST(Loader, TargetsAreTheNextTokens) {
  const Drawn drawn = draw(5, 1, 40);
  ASSERT_EQ(drawn.inputs.size(), 5U * 40U * kContext);
  for (std::size_t i = 0; i < drawn.inputs.size(); ++i) {
    EXPECT_EQ(drawn.targets[i], drawn.inputs[i] + 1);  // token = position
    EXPECT_TRUE(i % kContext == 0 || drawn.inputs[i] == drawn.inputs[i - 1] + 1) << i;
  }
}

TEST(Loader, NoWindowCrossesABorder) {
  const Drawn drawn = draw(5, 1, 200);
  for (std::size_t i = 0; i < drawn.inputs.size(); i += kContext) {
    const std::int32_t first = drawn.inputs[i], last = drawn.targets[i + kContext - 1];
    EXPECT_TRUE((first >= 0 && last < 100) || (first >= 120 && last < 290)) << first << " .. " << last;
  }
}

TEST(Loader, RanksTogetherDrawWhatOneRankDraws) {
  for (const std::int64_t batch : {4, 5, 7, 12}) {
    const Drawn alone = draw(batch, 1, 30);
    EXPECT_EQ(alone.ids, test::counting<std::int64_t>(static_cast<std::size_t>(30 * batch)));
    for (std::int64_t ranks = 2; ranks <= 4; ++ranks) EXPECT_EQ(draw(batch, ranks, 30), alone) << ranks << " ranks";
  }
}

TEST(Loader, SamplesDoNotDependOnTheBatch) {
  EXPECT_EQ(draw(4, 1, 30), draw(12, 3, 10));
  EXPECT_EQ(draw(4, 1, 30), draw(5, 2, 24));
}

TEST(Loader, PrefetchingChangesNothing) {
  for (const std::int64_t prefetch : {0, 1, 5}) EXPECT_EQ(draw(5, 2, 60, prefetch), draw(5, 2, 60)) << prefetch;
}

RC_GTEST_PROP(Loader, SeekingEqualsIterating, ()) {
  const auto prefetch = *rc::gen::inRange<std::int64_t>(0, 4);
  Loader loader(example_split(), options(5, {1, 2}, prefetch)), reference(example_split(), options(5, {1, 2}, 0));
  std::vector<Drawn> steps(40);
  for (Drawn& step : steps) append(step, reference.next());
  for (const int target : *rc::gen::container<std::vector<int>>(10, rc::gen::inRange(0, 40))) {
    loader.seek(target);
    const int run = *rc::gen::inRange(0, 4);
    for (int step = target; step < std::min(40, target + run); ++step) {
      RC_ASSERT(loader.step() == step);
      Drawn drawn;
      append(drawn, loader.next());
      RC_ASSERT(drawn == steps[static_cast<std::size_t>(step)]);
    }
  }
}

TEST(Loader, SeeksFarAtOnce) {
  Loader loader(example_split(), options(5));
  const std::int64_t far = std::int64_t{1} << 50;
  loader.seek(far);
  EXPECT_EQ(loader.next().sample_ids, test::counting<std::int64_t>(5, 5 * far));
}

TEST(Loader, FewerSamplesThanRanksIsAConfigurationError) {
  try {
    Loader(example_split(), options(2, {0, 3}));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::Config);
    EXPECT_NE(std::string(error.what()).find("global batch smaller than the ranks: 2 samples for 3 ranks"),
              std::string::npos);
  }
}

TEST(Loader, AContextLongerThanTheDataIsRefused) {
  LoaderOptions wanted = options(2);
  wanted.context = 400;
  EXPECT_TRUE(refuses([&] { Loader(example_split(), wanted); }, {"context is longer than the data"}));
}

TEST(Loader, AnErrorOfTheThreadReachesTheConsumerAtItsStep) {
  const test::TempFolder folder;
  // One bad token at 55: the sample that holds it fails, the others do not.
  std::vector<std::uint16_t> tokens = test::counting<std::uint16_t>(80);
  tokens[55] = 9999;
  test::write_file(folder / "t.bin", test::bytes_of(tokens));
  std::vector<TokenFile> files;
  files.push_back(TokenFile::read(folder / "t.bin", TokenFormat::Raw));
  const TokenSplit split = TokenSplit::whole(std::make_shared<const TokenStream>(std::move(files), 1000));
  for (const std::int64_t prefetch : {0, 3}) {
    Loader loader(split, options(1, {}, prefetch));
    std::int64_t failing = 0;
    const auto holds = [&](std::int64_t g) {
      const std::int64_t begin = loader.order().place(g).begin;
      return begin <= 55 && 55 <= begin + kContext;
    };
    while (!holds(failing)) ++failing;
    for (std::int64_t step = 0; step < failing; ++step) EXPECT_EQ(loader.next().size(), 1);
    for (int again = 0; again < 2; ++again)
      EXPECT_TRUE(refuses([&] { loader.next(); }, {"t.bin", "token 55 is 9999", "1000 entries"}));
    EXPECT_EQ(loader.step(), failing);
    std::int64_t good = failing;
    while (holds(good)) ++good;
    loader.seek(good);
    EXPECT_EQ(loader.next().sample_ids.front(), good);
  }
}

TEST(Batch, SplitsIntoMicroBatchesInOrder) {
  Loader loader(example_split(), options(7));
  const Batch batch = loader.next();
  Drawn whole, parts;
  append(whole, batch);
  const std::vector<Batch> micro = batch.split(3);
  ASSERT_EQ(micro.size(), 3U);
  for (const Batch& part : micro) {
    EXPECT_GE(part.size(), 2);
    append(parts, part);
  }
  EXPECT_EQ(whole, parts);
  EXPECT_EQ(micro[1].inputs.raw(), static_cast<const std::int32_t*>(batch.inputs.raw()) + 2 * kContext);
}

}  // namespace
}  // namespace isobath
