// Mixtures: exact shares, the same samples for any ranks, and a run that goes on in the middle.

#include "data/order/mixture.hpp"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "data/batches/loader.hpp"
#include "data/data_support.hpp"
#include "data/dataset.hpp"

namespace isobath {
namespace {

using test::refuses;
using test::TempFolder;
using test::write_file;

TEST(Mixture, WeightsAreTakenExactlyWhereTheyCanBe) {
  using Whole = std::vector<std::int64_t>;
  EXPECT_EQ(whole_weights({0.7, 0.3}), (Whole{7, 3}));
  EXPECT_EQ(whole_weights({5, 5, 10}), (Whole{1, 1, 2}));
  EXPECT_EQ(whole_weights({1e9}), (Whole{1}));
  const Whole rounded = whole_weights({0.333333333, 0.666666667});
  EXPECT_EQ(rounded[0] + rounded[1], 1 << 20);
  EXPECT_NEAR(static_cast<double>(rounded[0]), (1 << 20) / 3.0, 1.0);
  EXPECT_EQ(whole_weights({1e-9, 1e9})[0], 1) << "a source that is named is never left out";
}

RC_GTEST_PROP(Mixture, EveryPrefixHasItsSharesWithinOneSample, ()) {
  const auto weights =
      *rc::gen::suchThat(rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(1, 60)),
                         [](const auto& w) { return !w.empty() && w.size() < 12; });
  const Mixture mixture(weights);
  const double sum = static_cast<double>(std::accumulate(weights.begin(), weights.end(), std::int64_t{0}));
  std::vector<std::int64_t> counts(weights.size(), 0);
  for (std::int64_t sample = 0; sample < 1500; ++sample) {
    const Mixture::Turn turn = mixture.turn(sample);
    const auto source = static_cast<std::size_t>(turn.source);
    RC_ASSERT(mixture.given(sample) == counts);
    RC_ASSERT(turn.sample == counts[source]++);  // a source's samples come in order, none left out
    for (std::size_t i = 0; i < weights.size(); ++i)
      RC_ASSERT(std::abs(static_cast<double>(counts[i]) -
                         static_cast<double>(sample + 1) * static_cast<double>(weights[i]) / sum) < 1.0);
  }
  const std::int64_t far = std::int64_t{1} << 50;
  const Mixture::Turn turn = mixture.turn(far);
  RC_ASSERT(turn.sample > 0);
  RC_ASSERT(turn.sample == mixture.given(far)[static_cast<std::size_t>(turn.source)]);
}

class MixedDataset : public ::testing::Test {
 protected:
  // Tokens of source s are s * 1000 and above, so that a token names its source.
  DataConfig config() const {
    DataConfig out;
    for (int source = 0; source < 3; ++source) {
      const std::string name = std::string(1, static_cast<char>('a' + source)) + ".bin";
      const auto tokens = test::counting<std::uint16_t>(static_cast<std::size_t>(100 + 60 * source),
                                                        static_cast<std::uint16_t>(source * 1000));
      write_file(folder_ / name, test::llmc_bytes(20240520, 1, tokens));
      out.sources.push_back((folder_ / name).string());
    }
    out.weights = {0.5, 0.3, 0.2};
    out.validation_fraction = 0.0;
    return out;
  }
  static std::vector<std::int32_t> draw(const Dataset& dataset, std::int64_t ranks, std::int64_t first,
                                        std::int64_t last) {
    std::vector<std::unique_ptr<Loader>> loaders;
    for (std::int64_t rank = 0; rank < ranks; ++rank) {
      loaders.push_back(std::make_unique<Loader>(
          dataset.train, LoaderOptions{.context = 8, .global_batch = 10, .seed = 3, .shard = {rank, ranks}}));
      loaders.back()->seek(first);
    }
    std::vector<std::int32_t> out;
    for (std::int64_t step = first; step < last; ++step)
      for (auto& loader : loaders) {
        const auto inputs = loader->next().inputs.to_vector<std::int32_t>();
        out.insert(out.end(), inputs.begin(), inputs.end());
      }
    return out;
  }

  const TempFolder folder_;
};

TEST_F(MixedDataset, SharesRanksAndResuming) {
  const DatasetHeader header = read_dataset_header(config());
  ASSERT_EQ(DatasetHeader::from_json(header.to_json()), header);
  const Dataset dataset = open_dataset(header);
  const auto whole = draw(dataset, 1, 0, 40);
  EXPECT_EQ(draw(dataset, 3, 0, 40), whole);
  const auto rest = draw(dataset, 2, 17, 40);
  EXPECT_TRUE(std::equal(rest.rbegin(), rest.rend(), whole.rbegin()));
  std::array<int, 3> samples{};
  for (std::size_t at = 0; at < whole.size(); at += 8) {
    const int source = whole[at] / 1000;
    for (std::size_t i = 0; i < 8; ++i) ASSERT_EQ(whole[at + i] / 1000, source) << "a window lies in one source";
    ++samples[static_cast<std::size_t>(source)];
  }
  EXPECT_EQ(samples, (std::array{200, 120, 80}));
}

TEST_F(MixedDataset, BlocksOfEverySourceValidate) {
  DataConfig held_out = config();
  held_out.validation_fraction = 0.2;
  held_out.validation_block = 20;
  const Dataset dataset = open_dataset(read_dataset_header(held_out));
  std::vector<std::int32_t> token(1);
  std::array<int, 3> blocks{};
  for (const Segment& segment : dataset.validation.segments) {
    dataset.validation.stream->copy(segment.begin, token);
    ++blocks[static_cast<std::size_t>(token[0] / 1000)];
  }
  EXPECT_EQ(blocks, (std::array{1, 1, 2}));
}

TEST_F(MixedDataset, OneSourceIsThePathAndOtherWeightsAreAnotherDataset) {
  DataConfig alone = config(), path = config();
  alone.sources.resize(1);
  alone.weights = {4};
  path.path = path.sources[0];
  path.sources.clear();
  path.weights.clear();
  EXPECT_EQ(draw(open_dataset(read_dataset_header(alone)), 1, 0, 9),
            draw(open_dataset(read_dataset_header(path)), 1, 0, 9));
  DataConfig other = config();
  other.weights = {1, 1, 1};
  EXPECT_NE(read_dataset_header(other).fingerprint, read_dataset_header(config()).fingerprint);
}

TEST_F(MixedDataset, ASourceThatDoesNotFitIsNamed) {
  DataConfig wrong = config();
  write_file(folder_ / "b.bin", test::llmc_bytes(20240801, 7, test::counting<std::uint32_t>(100)));
  wrong.sources[1] = (folder_ / "b.bin").string();
  EXPECT_TRUE(refuses([&] { read_dataset_header(wrong); }, {"b.bin", "128256"}));
}

}  // namespace
}  // namespace isobath
