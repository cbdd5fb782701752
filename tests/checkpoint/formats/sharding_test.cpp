// Tensors in parts: whoever holds whichever parts when saving, any layout on any world reads the same bits.

#include <cerrno>

#include <gtest/gtest.h>

#include "checkpoint/faults.hpp"
#include "checkpoint/support.hpp"
#include "ops/core/random.hpp"
#include "parallel/self_communicator.hpp"
#include "parallel/thread_ranks.hpp"
#include "trainer/checkpoint/catalog/verify.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;

/// Cuts a tensor of `count` elements into parts of odd lengths and deals them to ranks, some of which may get none.
std::vector<TensorPart> deal(std::int64_t count, int world, std::uint64_t seed) {
  const auto key = RandomKey{seed, Purpose::Test}.words();
  std::vector<TensorPart> parts;
  for (std::int64_t begin = 0; begin < count;) {
    const auto draw = draw4(key, 0, 0, parts.size());
    const std::int64_t end = std::min<std::int64_t>(count, begin + 1 + draw[0] % 97);
    parts.push_back({begin, end, static_cast<int>(draw[1] % static_cast<std::uint32_t>(world))});
    begin = end;
  }
  return parts;
}

/// As an optimizer sharded over `world` ranks holds it: one contiguous slice each, the last ones maybe empty.
std::vector<TensorPart> slices(std::int64_t count, int world, std::uint64_t /*seed*/) {
  const std::int64_t slice = (count / world / 16 + 1) * 16;
  std::vector<TensorPart> parts;
  for (std::int64_t begin = 0; begin < count; begin += slice)
    parts.push_back({begin, std::min(count, begin + slice), static_cast<int>(begin / slice)});
  return parts;
}

using Layout = std::vector<TensorPart> (*)(std::int64_t count, int world, std::uint64_t seed);

/// What a rank holds of the moments in `whole`, in memory of its own; the other tensors stay whole.
std::vector<NamedTensor> sharded(const std::vector<NamedTensor>& whole, Layout layout, const Communicator& ranks) {
  std::vector<NamedTensor> out;
  for (const NamedTensor& named : whole) {
    if (!named.name.starts_with("adam.") && named.name != "statistics/none") {
      out.push_back(named);
      continue;
    }
    Sharding sharding{
        named.tensor.dtype(), named.tensor.shape(), layout(named.tensor.count(), ranks.size(), named.name.size()), {}};
    for (const TensorPart& part : sharding.parts) {
      if (part.rank != ranks.rank()) continue;
      sharding.mine.push_back(Tensor::empty({part.count()}, named.tensor.dtype()));
      sharding.mine.back().copy_from(named.tensor.slice(part.begin, {part.count()}));
    }
    out.push_back({named.name, {}, sharding});
  }
  return out;
}

fs::path save_sharded(const fs::path& root, std::int64_t step, int world, Layout layout) {
  run_ranks({.count = world}, [&](Communicator& ranks) {
    save_checkpoint(root, state_at(step), sharded(tensors_at(step), layout, ranks), ranks);
  });
  return root / text("step-0000000", step);
}

std::string bytes_of(const Tensor& tensor) { return {static_cast<const char*>(tensor.raw()), tensor.bytes()}; }

/// Loads in that layout; every part must hold what the step has there.
void expect_loads_sharded(const fs::path& directory, std::int64_t step, int world, Layout layout) {
  run_ranks({.count = world}, [&](Communicator& ranks) {
    const auto read = sharded(blank_tensors(), layout, ranks), expected = sharded(tensors_at(step), layout, ranks);
    EXPECT_EQ(load_checkpoint(directory, read, ranks), state_at(step));
    for (std::size_t i = 0; i < read.size(); ++i) {
      if (!read[i].sharding) {
        EXPECT_EQ(bytes_of(read[i].tensor), bytes_of(expected[i].tensor)) << read[i].name;
        continue;
      }
      for (std::size_t part = 0; part < read[i].sharding->mine.size(); ++part)
        EXPECT_EQ(bytes_of(read[i].sharding->mine[part]), bytes_of(expected[i].sharding->mine[part]))
            << read[i].name << " part " << part << " of rank " << ranks.rank();
    }
  });
}

constexpr int kWorlds[] = {1, 2, 3, 5};

TEST(Sharding, WholeToParts) {
  const Scratch scratch;
  const fs::path directory = save_at(scratch.root(), 1, 2);
  for (const int world : kWorlds)
    for (const Layout layout : {deal, slices}) expect_loads_sharded(directory, 1, world, layout);
}

TEST(Sharding, PartsToWhole) {
  const Scratch scratch;
  for (const int world : kWorlds) {
    for (const Layout layout : {deal, slices}) {
      const fs::path directory = save_sharded(scratch.root(), world, world, layout);
      EXPECT_TRUE(verify_checkpoint(directory).whole());
      for (const int readers : {1, 2}) expect_loads(directory, world, readers);
    }
  }
}

TEST(Sharding, PartsToOtherParts) {
  const Scratch scratch;
  const fs::path directory = save_sharded(scratch.root(), 4, 4, slices);
  for (const int world : kWorlds) expect_loads_sharded(directory, 4, world, deal);
}

TEST(Sharding, ARankWritesWhatItHoldsAndItsShareOfTheRest) {
  const Scratch scratch;
  const Manifest manifest = read_manifest(save_sharded(scratch.root(), 2, 3, slices));
  std::map<int, std::int64_t> whole;
  std::int64_t replicated = 0;
  for (const TensorRecord& tensor : manifest.tensors) {
    if (tensor.name.starts_with("adam.")) {
      std::vector<TensorPart> written;
      for (const Piece& piece : tensor.pieces) written.push_back({piece.begin, piece.end, piece.file});
      EXPECT_EQ(written, slices(tensor.shape.count(), 3, 0)) << tensor.name;
    } else {
      for (const Piece& piece : tensor.pieces) whole[piece.file] += piece.count();
      replicated += tensor.shape.count();
    }
  }
  for (int rank = 0; rank < 3; ++rank)
    EXPECT_EQ(whole[rank], (rank + 1) * replicated / 3 - rank * replicated / 3) << "rank " << rank;
}

TEST(Sharding, PartsOfMoreThanSixteenMebibytes) {
  const Scratch scratch;
  const std::int64_t count = kRangeBytes / 2 + 1000;  // two whole ranges and a piece
  const auto value = [](std::int64_t i) { return static_cast<float>(i % 999983); };
  const auto hold = [&](const std::vector<TensorPart>& parts, int rank) {
    Sharding sharding{DType::F32, {count}, parts, {}};
    for (const TensorPart& part : parts)
      if (part.rank == rank) sharding.mine.push_back(Tensor::zeros({part.count()}, DType::F32));
    return std::vector<NamedTensor>{{"large", {}, sharding}};
  };
  const std::vector<TensorPart> saved = {{0, 700, 1}, {700, count - 300, 0}, {count - 300, count, 1}};
  const std::vector<TensorPart> read = {{0, count / 3, 0}, {count / 3, count / 2, 2}, {count / 2, count, 0}};
  run_ranks({.count = 2}, [&](Communicator& ranks) {
    const auto tensors = hold(saved, ranks.rank());
    std::size_t next = 0;
    for (const TensorPart& part : saved) {
      if (part.rank != ranks.rank()) continue;
      const View<float> values = tensors[0].sharding->mine[next++].view<float>();
      for (std::int64_t i = 0; i < part.count(); ++i) values[i] = value(part.begin + i);
    }
    save_checkpoint(scratch.root(), state_at(1), tensors, ranks);
  });
  run_ranks({.count = 3}, [&](Communicator& ranks) {
    const auto tensors = hold(read, ranks.rank());
    load_checkpoint(scratch.root() / "step-00000001", tensors, ranks);
    std::size_t next = 0;
    std::int64_t wrong = 0;
    for (const TensorPart& part : read) {
      if (part.rank != ranks.rank()) continue;
      const View<float> values = tensors[0].sharding->mine[next++].view<float>();
      for (std::int64_t i = 0; i < part.count(); ++i) wrong += values[i] != value(part.begin + i);
    }
    EXPECT_EQ(wrong, 0) << "rank " << ranks.rank();
  });
}

TEST(Sharding, ARankReadsNoRangeThatItHoldsNothingOf) {
  const Scratch scratch;
  const fs::path directory = save_sharded(scratch.root(), 3, 4, slices);
  const std::int64_t middle = slices(512, 4, 0)[2].begin;  // from here on the tensor lies in the last two shards
  const FaultPlan plan({"pread", "shard-00000-of", EIO});
  const auto errors = errors_of_ranks(2, [&](Communicator& ranks) {
    Sharding half{DType::F32, {64, 8}, {{0, middle, 1}, {middle, 512, 0}}, {}};
    half.mine = {Tensor::zeros({ranks.rank() == 0 ? 512 - middle : middle}, DType::F32)};
    load_checkpoint(directory, std::vector<NamedTensor>{{"adam.m/embedding", {}, half}}, ranks, Unlisted::Ignore);
  });
  EXPECT_NE(errors[0].find("rank 1: "), std::string::npos) << errors[0];
}

TEST(Sharding, MistakesAreNamed) {
  SelfCommunicator self;
  const Scratch scratch;
  const auto error_of = [&](std::vector<TensorPart> parts, std::vector<Tensor> mine) -> std::string {
    try {
      const Sharding sharding{DType::F32, {4, 5}, std::move(parts), std::move(mine)};
      save_checkpoint(scratch.root(), state_at(1), std::vector<NamedTensor>{{"t", {}, sharding}}, self);
    } catch (const InternalError& error) {
      return error.what();
    }
    return "no error";
  };
  const Tensor ten = Tensor::zeros({10}, DType::F32);
  EXPECT_EQ(error_of({{0, 10, 0}, {10, 20, 0}}, {ten, ten}), "no error");
  EXPECT_NE(error_of({{0, 10, 0}, {11, 20, 0}}, {ten, ten}).find("part [11, 20) of rank 0 after 10"),
            std::string::npos);
  EXPECT_NE(error_of({{0, 10, 0}, {10, 20, 1}}, {ten, ten}).find("of rank 1"), std::string::npos);
  EXPECT_NE(error_of({{0, 10, 0}}, {ten}).find("parts of 10 elements"), std::string::npos);
  EXPECT_NE(error_of({{0, 10, 0}, {10, 20, 0}}, {ten}).find("more are listed"), std::string::npos);
  EXPECT_NE(error_of({{0, 20, 0}}, {ten}).find("is 10 elements"), std::string::npos);
  EXPECT_NE(error_of({{0, 20, 0}}, {Tensor()}).find("not on the CPU"), std::string::npos);
}

TEST(Sharding, RanksThatDisagreeOnPartsAreNamed) {
  const Scratch scratch;
  EXPECT_THROW(run_ranks({.count = 2},
                         [&](Communicator& ranks) {
                           Sharding sharding{DType::F32, {4}, {{0, 2 - ranks.rank(), 0}, {2 - ranks.rank(), 4, 1}}, {}};
                           sharding.mine = {Tensor::zeros({ranks.rank() == 0 ? 2 : 3}, DType::F32)};
                           const std::vector<NamedTensor> tensors = {{"t", {}, sharding}};
                           save_checkpoint(scratch.root(), state_at(1), tensors, ranks);
                         }),
               InternalError);
}

}  // namespace
}  // namespace isobath::test
