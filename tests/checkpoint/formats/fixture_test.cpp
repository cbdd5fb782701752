// A checkpoint of format v1, written by two ranks of isobath 0.1.0 and kept under fixtures/v1, is read for ever.

#include <gtest/gtest.h>

#include "checkpoint/support.hpp"
#include "parallel/self_communicator.hpp"
#include "parallel/thread_ranks.hpp"
#include "trainer/checkpoint/catalog/find.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;

const fs::path kFixtures = ISOBATH_TEST_FIXTURES;

/// Written out, so that no change elsewhere changes what is expected.
TrainingState fixture_state() {
  TrainingState state;
  state.step = 42;
  state.tokens = 344064;
  state.samples = 2688;
  state.epoch = 3;
  state.seed = 18446744073709551615u;
  state.shuffle_seed = 1234567890123456789u;
  state.rng_before = 41;
  state.rng_after = 42;
  state.schedule_step = 42;
  state.learning_rate = 0.000244140625;
  state.loss_scale = 1024.0;
  state.config_text = "name: fixture\nmodel: {layers: 2}  # made for a test\n";
  state.config_digest = "0123456789abcdef";
  state.dataset_fingerprint = "fedcba9876543210";
  state.metrics_bytes = 4711;
  state.best = {{"validation_loss", 1.25}};
  state.router_statistics = R"({"depth":[1.0,0.5],"gate":[1.0,0.25]})";
  state.extra = "{}";
  return state;
}

/// Whole tensors of every dtype, in the order of saving.
std::vector<NamedTensor> whole_tensors() {
  return {{"embedding.tokens",
           Tensor::from(Shape{3, 4}, std::vector<float>{0, 0.5F, -1, 1.5F, 2, -2.5F, 3, 3.5F, -4, 4.5F, 5, 1e-30F})},
          {"counts", Tensor::from(Shape{2, 3}, std::vector<std::int64_t>{1, -2, 3, -4, 5, std::int64_t{1} << 60})},
          {"rows", Tensor::from(Shape{5}, std::vector<std::int32_t>{5, 4, 3, 2, -1})},
          {"scale", Tensor::from(Shape{}, std::vector<double>{0.1})},
          {"nothing", Tensor::zeros({4, 0}, DType::F32)}};
}

std::vector<float> moments() { return {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21}; }

/// Those, 16-bit words, and a moment of which the first rank holds elements 0 to 6 and the second the others.
std::vector<NamedTensor> fixture_tensors(const Communicator& ranks) {
  auto tensors = whole_tensors();
  const Tensor words = Tensor::empty({4}, DType::BF16);
  const std::uint16_t bits[] = {0x3f80, 0x7fc1, 0x0001, 0xc120};  // 1, a NaN, the smallest denormal, -10
  std::copy(std::begin(bits), std::end(bits), static_cast<std::uint16_t*>(words.raw()));
  tensors.push_back({"compute", words});
  Sharding sharding{DType::F32, {3, 4}, {{0, 7, 0}, {7, 12, 1}}, {}};
  const TensorPart& part = sharding.parts[static_cast<std::size_t>(ranks.rank())];
  const std::vector<float> all = moments();
  sharding.mine = {
      Tensor::from(Shape{part.count()}, std::vector<float>(all.begin() + part.begin, all.begin() + part.end))};
  tensors.push_back({"adamw.first/embedding.tokens", {}, sharding});
  return tensors;
}

void expect_fixture(const fs::path& directory) {
  EXPECT_TRUE(verify_checkpoint(directory).whole());
  SelfCommunicator self;
  auto expected = whole_tensors(), read = whole_tensors();
  for (const NamedTensor& named : read)
    if (named.tensor.count() > 0) named.tensor.fill_zero();
  read.push_back({"compute", Tensor::zeros({4}, DType::BF16)});
  read.push_back({"adamw.first/embedding.tokens", Tensor::zeros({3, 4}, DType::F32)});
  EXPECT_EQ(load_checkpoint(directory, read, self), fixture_state());
  auto found = bytes_of(read);
  for (const auto& [name, bytes] : bytes_of(expected)) EXPECT_EQ(found[name], bytes) << name;
  EXPECT_EQ(found["compute"], std::string("\x80\x3f\xc1\x7f\x01\x00\x20\xc1", 8));
  EXPECT_EQ(read.back().tensor.to_vector<float>(), moments());
}

TEST(FormatV1, IsReadForEver) {
  expect_fixture(kFixtures / "v1" / "step-00000042");
  EXPECT_EQ(find_latest(kFixtures / "v1", VerifyLevel::Full).directory, kFixtures / "v1" / "step-00000042");
}

// How the fixture was made; a later format gets its own from here.
TEST(FormatV1, TheSameStateIsSavedAndReadToday) {
  const Scratch scratch;
  run_ranks({.count = 2}, [&](Communicator& ranks) {
    save_checkpoint(scratch.root(), fixture_state(), fixture_tensors(ranks), ranks);
  });
  expect_fixture(scratch.root() / "step-00000042");
  if (const char* const keep = std::getenv("ISOBATH_KEEP_FIXTURE"))
    fs::copy(scratch.root(), keep, fs::copy_options::recursive);
}

}  // namespace
}  // namespace isobath::test
