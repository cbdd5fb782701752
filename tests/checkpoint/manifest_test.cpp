// The manifest: every field is saved, restored and required; mutated text never does more than fail to load.

#include <cmath>
#include <functional>
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "checkpoint/support.hpp"
#include "ops/core/files/json.hpp"
#include "trainer/checkpoint/catalog/find.hpp"
#include "trainer/checkpoint/manifest/partition.hpp"
#include "trainer/checkpoint/manifest/text.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// A saved manifest without its digest, to be changed and sealed again.
class Manifests : public ::testing::Test {
 protected:
  Manifests() : directory_(save_at(scratch_.root(), 100, 2)), whole_(read_file(directory_ / "manifest.json")) {
    body_ = Json::parse(whole_);
    body_.erase("digest");
  }

  static std::string sealed(const Json& body) {
    return seal(body.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  void install(const Json& body) { write_file(directory_ / "manifest.json", sealed(body)); }

  Scratch scratch_;
  fs::path directory_;
  std::string whole_;
  Json body_;
};

struct Item {
  const char* name;
  std::function<std::string(const TrainingState&)> value;
};

void PrintTo(const Item& item, std::ostream* out) { *out << item.name; }

const Item kItems[] = {
    {"step", [](const auto& state) { return text(state.step); }},
    {"tokens", [](const auto& state) { return text(state.tokens); }},
    {"samples", [](const auto& state) { return text(state.samples); }},
    {"epoch", [](const auto& state) { return text(state.epoch); }},
    {"seed", [](const auto& state) { return text(state.seed); }},
    {"shuffle_seed", [](const auto& state) { return text(state.shuffle_seed); }},
    {"rng_before", [](const auto& state) { return text(state.rng_before); }},
    {"rng_after", [](const auto& state) { return text(state.rng_after); }},
    {"schedule_step", [](const auto& state) { return text(state.schedule_step); }},
    {"learning_rate", [](const auto& state) { return text(std::hexfloat, state.learning_rate); }},
    {"loss_scale", [](const auto& state) { return text(std::hexfloat, state.loss_scale.value_or(0)); }},
    {"config_text", [](const auto& state) { return state.config_text; }},
    {"config_digest", [](const auto& state) { return state.config_digest; }},
    {"dataset_fingerprint", [](const auto& state) { return state.dataset_fingerprint; }},
    {"metrics_bytes", [](const auto& state) { return text(state.metrics_bytes); }},
    {"best",
     [](const auto& state) {
       std::string values;
       for (const auto& [name, value] : state.best) values += text(name, std::hexfloat, value);
       return values;
     }},
    {"router_statistics", [](const auto& state) { return state.router_statistics; }},
    {"extra", [](const auto& state) { return state.extra; }},
};

class Items : public Manifests, public ::testing::WithParamInterface<Item> {};

TEST_P(Items, IsSavedRestoredAndRequired) {
  const Item& item = GetParam();
  const std::string saved = item.value(state_at(100)), restored = item.value(read_manifest(directory_).state);
  EXPECT_NE(saved, item.value(TrainingState{})) << "the test would not see a field that keeps its default";
  EXPECT_EQ(restored, saved);

  ASSERT_EQ(body_["state"].erase(item.name), 1u);
  install(body_);
  const std::string missing = text("field '/state/", item.name, "' is missing");
  EXPECT_NE(load_error(directory_).find(missing), std::string::npos) << load_error(directory_);
  const LatestCheckpoint latest = find_latest(scratch_.root(), VerifyLevel::Size);
  EXPECT_FALSE(latest.directory);
  EXPECT_NE(latest.skipped.at(0).reason.find(missing), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(State, Items, ::testing::ValuesIn(kItems),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(Manifests, TheTableOfItemsIsComplete) {
  EXPECT_EQ(body_["state"].size(), std::size(kItems));
  for (const Item& item : kItems) EXPECT_TRUE(body_["state"].contains(item.name)) << item.name;
}

TEST_F(Manifests, AbsentAndNonFiniteValuesSurvive) {
  Manifest manifest = read_manifest(directory_);
  manifest.state.loss_scale.reset();
  manifest.state.learning_rate = -std::numeric_limits<double>::infinity();
  manifest.state.best = {{"nan", std::nan("")}, {"tiny", std::numeric_limits<double>::denorm_min()}, {"zero", -0.0}};
  const TrainingState read = decode(encode(manifest), "manifest").state;
  EXPECT_EQ(read.loss_scale, std::nullopt);
  EXPECT_EQ(read.learning_rate, manifest.state.learning_rate);
  EXPECT_TRUE(std::isnan(read.best.at("nan")));
  EXPECT_EQ(read.best.at("tiny"), std::numeric_limits<double>::denorm_min());
  EXPECT_TRUE(std::signbit(read.best.at("zero")));
}

TEST_F(Manifests, EveryTensorIsRequired) {
  const auto tensors = tensors_at(100);
  for (std::size_t dropped = 0; dropped < tensors.size(); ++dropped) {
    auto some = tensors;
    some.erase(some.begin() + static_cast<std::ptrdiff_t>(dropped));
    fs::path directory;
    errors_of_ranks(1, [&](Communicator& ranks) {
      directory = save_checkpoint(scratch_.path() / "some", state_at(100), some, ranks);
    });
    const std::string missing = "missing: '" + tensors[dropped].name + "'";
    EXPECT_NE(load_error(directory).find(missing), std::string::npos) << missing;
  }
}

/// Every object of the tree, by JSON pointer.
void collect_objects(const Json& value, const Json::json_pointer& at, std::vector<Json::json_pointer>& found) {
  if (value.is_object()) found.push_back(at);
  if (value.is_object())
    for (const auto& [key, child] : value.items()) collect_objects(child, at / key, found);
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i) collect_objects(value[i], at / i, found);
}

TEST_F(Manifests, EveryFieldOfEveryRecordIsRequired) {
  std::vector<Json::json_pointer> objects;
  collect_objects(body_, Json::json_pointer(), objects);
  int dropped = 0;
  for (const auto& at : objects) {
    if (at.to_string().starts_with("/state/")) continue;  // free sections
    for (const auto& [key, value] : body_[at].items()) {
      Json without = body_;
      without[at].erase(key);
      try {
        decode(sealed(without), "manifest");
        ADD_FAILURE() << at << '/' << key << " is not required";
      } catch (const StorageError& error) {
        EXPECT_NE(std::string(error.what()).find((at / key).to_string()), std::string::npos) << error.what();
      }
      ++dropped;
    }
  }
  EXPECT_GT(dropped, 100);
}

TEST_F(Manifests, LiesAboutRanges) {
  const auto expect_refused = [&](const char* pointer, const Json& lie) {
    Json body = body_;
    body[Json::json_pointer(pointer)] = lie;
    EXPECT_THROW(decode(sealed(body), "manifest"), StorageError) << pointer << " = " << lie;
  };
  expect_refused("/files/0/name", "../../etc/passwd");
  expect_refused("/tensors/0/pieces/0/file", "/etc/passwd");
  expect_refused("/files/0/bytes", 8);
  expect_refused("/files/0/bytes", -1);
  expect_refused("/files/0/datasets/0/address", std::int64_t{1} << 61);
  expect_refused("/files/0/datasets/0/count", std::int64_t{1} << 61);
  expect_refused("/files/0/datasets/0/name", "f8");
  expect_refused("/tensors/0/pieces/0/begin", 1);
  expect_refused("/tensors/0/pieces/0/end", 0);
  expect_refused("/tensors/0/pieces/0/offset", std::int64_t{1} << 62);
  expect_refused("/tensors/0/pieces/0/offset", std::uint64_t{1} << 63);
  expect_refused("/tensors/0/shape", {std::int64_t{1} << 40, std::int64_t{1} << 40});
  expect_refused("/tensors/0/shape", {1, 1, 1, 64, 8});
  expect_refused("/tensors/0/shape", {-64, -8});
  expect_refused("/tensors/0/name", "");
  expect_refused("/tensors/1/name", body_["tensors"][0]["name"]);
  expect_refused("/tensors/0/dtype", "f64");
  expect_refused("/world_size", 3);
  expect_refused("/world_size", 0);
  expect_refused("/state/step", -1);
  expect_refused("/state/step", 1.5);
  expect_refused("/state/learning_rate", "much");
}

/// One random change of the text: a byte changed, removed or doubled, a span cut out or repeated, the end cut off.
std::string mutate_text(std::string text, std::mt19937_64& random) {
  const auto at = random() % text.size(), length = 1 + random() % 40;
  switch (random() % 5) {
    case 0:
      text[at] = static_cast<char>(random());
      return text;
    case 1:
      return text.erase(at, length);
    case 2:
      return text.insert(at, text.substr(random() % text.size(), length));
    case 3:
      return text.substr(0, at);
    default:
      return text.insert(at, std::string(length, "{[\"\\,:-9e\0\xff"[random() % 11]));
  }
}

Json random_value(std::mt19937_64& random) {
  const Json values[] = {nullptr,
                         true,
                         0,
                         -1,
                         1,
                         std::int64_t{1} << 62,
                         std::numeric_limits<std::int64_t>::min(),
                         std::numeric_limits<std::uint64_t>::max(),
                         1e300,
                         0.5,
                         "",
                         "nan",
                         "f32",
                         "shard-00001-of-00002.h5",
                         std::string(1000, 'a'),
                         Json::array(),
                         Json::object(),
                         {1, 2, 3, 4, 5, 6},
                         {{"begin", 0}}};
  return values[random() % std::size(values)];
}

/// One random node of the tree replaced, removed or doubled.
Json mutate_tree(Json body, std::mt19937_64& random) {
  Json* node = &body;
  while (node->is_structured() && !node->empty()) {
    auto child = node->begin();
    std::advance(child, static_cast<std::ptrdiff_t>(random() % node->size()));
    if (random() % 8 == 0 && node->is_array()) {
      node->push_back(*child);
      return body;
    }
    if (random() % 16 == 0) {
      node->erase(child);
      return body;
    }
    node = &*child;
  }
  *node = random_value(random);
  return body;
}

/// Decoding fails with a StorageError, or what comes out can be acted on: checked by verifying it against the files.
bool is_refused(const fs::path& directory, const std::string& manifest) {
  try {
    decode(manifest, "fuzzed");
  } catch (const StorageError&) {
    return true;
  }
  write_file(directory / "manifest.json", manifest);
  verify_checkpoint(directory);
  return false;
}

TEST_F(Manifests, FuzzedTextNeverPasses) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 4000; ++round) {
    const std::string fuzzed = mutate_text(whole_, random);
    EXPECT_TRUE(fuzzed == whole_ || is_refused(directory_, fuzzed)) << "round " << round;
  }
}

// With a seal that holds, so that the checks behind it are reached.
TEST_F(Manifests, FuzzedTreesNeverCrash) {
  std::mt19937_64 random(2);
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    Json body = body_;
    for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) body = mutate_tree(std::move(body), random);
    refused += is_refused(directory_, sealed(body));
  }
  EXPECT_GT(refused, 2000) << "the mutations reach too little";
  EXPECT_LT(refused, 4000) << "some mutations only change free values and must pass";
}

RC_GTEST_PROP(Partition, CoversEveryElementOnceAndGivesEachRankItsShare, ()) {
  const int world = *rc::gen::inRange(1, 9);
  std::vector<TensorRecord> tensors;
  std::int64_t total = 0;
  for (int i = *rc::gen::inRange(0, 6); i > 0; --i) {
    const DType dtype = *rc::gen::element(DType::F32, DType::BF16, DType::F64, DType::I32, DType::I64);
    // Around one and two ranges of f32, and small ones.
    const auto rows = *rc::gen::inRange<std::int64_t>(0, 3), columns = *rc::gen::element<std::int64_t>(1, 17, 1 << 22);
    tensors.push_back({std::to_string(i), dtype, {rows, columns + 1}, {}});
    total += tensors.back().shape.count();
  }
  partition(tensors, world);

  std::vector<std::int64_t> share(static_cast<std::size_t>(world));
  std::map<std::pair<int, DType>, std::int64_t> dataset_end;
  int file = 0;
  for (const TensorRecord& tensor : tensors) {
    std::int64_t covered = 0;
    for (const Piece& piece : tensor.pieces) {
      RC_ASSERT(piece.begin == covered && piece.end > piece.begin && piece.file >= file);
      RC_ASSERT(piece.count() * static_cast<std::int64_t>(size_of(tensor.dtype)) <= kRangeBytes);
      auto& end = dataset_end[{piece.file, tensor.dtype}];
      RC_ASSERT(piece.offset == end);
      end += piece.count();
      share[static_cast<std::size_t>(piece.file)] += piece.count();
      covered = piece.end;
      file = piece.file;
    }
    RC_ASSERT(covered == tensor.shape.count());
  }
  for (std::int64_t rank = 0; rank < world; ++rank)
    RC_ASSERT(share[static_cast<std::size_t>(rank)] == (rank + 1) * total / world - rank * total / world);
}

}  // namespace
}  // namespace isobath::test
