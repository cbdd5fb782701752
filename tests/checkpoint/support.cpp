#include "checkpoint/support.hpp"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <limits>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops/core/random.hpp"
#include "parallel/thread_ranks.hpp"

namespace isobath::test {

namespace fs = std::filesystem;

namespace {

/// Every byte of the tensor from the generator: bit patterns of all kinds, NaNs among them.
void fill(const NamedTensor& named, std::uint64_t seed) {
  const auto key = RandomKey{seed, Purpose::Test, 0, std::hash<std::string>{}(named.name)}.words();
  auto* const bytes = static_cast<unsigned char*>(named.tensor.raw());
  for (std::size_t i = 0; i < named.tensor.bytes(); ++i)
    bytes[i] = static_cast<unsigned char>(draw4(key, 0, 0, i / 16)[i / 4 % 4] >> (8 * (i % 4)));
}

}  // namespace

Scratch::Scratch() {
  std::string name = (fs::temp_directory_path() / "isobath-checkpoint-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw StorageError("no scratch directory " + name);
  path_ = name;
}

Scratch::~Scratch() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

TrainingState state_at(std::int64_t step) {
  TrainingState state;
  state.step = step;
  state.tokens = step * 8192 + 1;
  state.samples = step * 64 + 2;
  state.epoch = step / 100 + 3;
  state.seed = 0x8000000000000001u + static_cast<std::uint64_t>(step);  // above what a signed integer holds
  state.shuffle_seed = 0xfedcba9876543210u - static_cast<std::uint64_t>(step);
  state.rng_before = static_cast<std::uint64_t>(step) + 4;
  state.rng_after = static_cast<std::uint64_t>(step) + 5;
  state.schedule_step = step + 6;
  state.learning_rate = 1e-3 / static_cast<double>(step + 7);
  state.loss_scale = 65536.0 + static_cast<double>(step);
  state.config_text = text("model:\n  width: 64  # \"", step, "\" Tiefe ü\n");
  state.config_digest = text("config-", step);
  state.dataset_fingerprint = text("data-", step);
  state.metrics_bytes = step * 1000 + 8;
  state.best = {{"validation_loss", 0.1 + static_cast<double>(step)},
                {"never", std::numeric_limits<double>::infinity()}};
  state.router_statistics = text(R"({"layers":[0.125,{"kept":)", step, "}]}");
  state.extra = text(R"(["anything",)", step, "]");
  return state;
}

std::vector<NamedTensor> blank_tensors() {
  std::vector<NamedTensor> tensors;
  const auto add = [&tensors](const char* name, Shape shape, DType dtype) {
    tensors.push_back({name, Tensor::empty(shape, dtype)});
    if (shape.count() > 0) std::memset(tensors.back().tensor.raw(), 0xA5, tensors.back().tensor.bytes());
  };
  add("weights/embedding", {64, 8}, DType::F32);
  add("weights/compute", {37, 3}, DType::BF16);
  add("master/embedding", {64, 8}, DType::F32);
  add("adam.m/embedding", {64, 8}, DType::F32);
  add("adam.v/embedding", {64, 8}, DType::F32);
  add("statistics/scalar", {}, DType::F64);
  add("statistics/none", {4, 0}, DType::F32);
  add("counts", {2, 3, 5, 7}, DType::I64);
  add("rows", {11}, DType::I32);
  return tensors;
}

std::vector<NamedTensor> tensors_at(std::int64_t step) {
  auto tensors = blank_tensors();
  for (const NamedTensor& named : tensors) fill(named, static_cast<std::uint64_t>(step));
  return tensors;
}

std::map<std::string, std::string> bytes_of(const std::vector<NamedTensor>& tensors) {
  std::map<std::string, std::string> bytes;
  for (const NamedTensor& named : tensors)
    bytes[named.name] = std::string(static_cast<const char*>(named.tensor.raw()), named.tensor.bytes());
  return bytes;
}

fs::path save_at(const fs::path& root, std::int64_t step, int world) {
  const auto tensors = tensors_at(step);
  const TrainingState state = state_at(step);
  fs::path directory;
  run_ranks({.count = world}, [&](Communicator& ranks) {
    const fs::path saved = save_checkpoint(root, state, tensors, ranks);
    if (ranks.rank() == 0) directory = saved;
  });
  return directory;
}

void expect_loads(const fs::path& directory, std::int64_t step, int world) {
  const auto expected = bytes_of(tensors_at(step));
  run_ranks({.count = world}, [&](Communicator& ranks) {
    const auto tensors = blank_tensors();
    const TrainingState state = load_checkpoint(directory, tensors, ranks);
    EXPECT_EQ(state, state_at(step)) << "rank " << ranks.rank();
    EXPECT_EQ(bytes_of(tensors), expected) << "rank " << ranks.rank();
  });
}

std::string load_error(const fs::path& directory) {
  const auto errors =
      errors_of_ranks(1, [&](Communicator& ranks) { load_checkpoint(directory, blank_tensors(), ranks); });
  EXPECT_NE(errors[0], "") << "loading " << directory << " was expected to fail";
  return errors[0];
}

std::map<std::string, std::string> files_below(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) files[fs::relative(entry.path(), directory).string()] = read_file(entry.path());
  return files;
}

std::string read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream) << path;
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_file(const fs::path& path, const std::string& content) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream << content;
  stream.close();
  EXPECT_TRUE(stream) << path;
}

void flip_bit(const fs::path& path, std::int64_t offset, int bit) {
  // In place: file systems flush a file that was truncated and written anew, which takes milliseconds.
  std::fstream stream(path, std::ios::binary | std::ios::in | std::ios::out);
  stream.seekg(offset);
  const char damaged = static_cast<char>(stream.get() ^ (1 << bit));
  stream.seekp(offset);
  stream.put(damaged);
  stream.close();
  EXPECT_TRUE(stream) << path << " at " << offset;
}

int in_child(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      body();
    } catch (const std::exception& error) {
      std::cerr << "child: " << error.what() << '\n';
      _exit(1);
    }
    _exit(::testing::Test::HasFailure() ? 1 : 0);  // without gtest's end-of-run work and without HDF5's exit handler
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

std::vector<std::string> errors_of_ranks(int world, const std::function<void(Communicator&)>& body) {
  std::vector<std::string> errors(static_cast<std::size_t>(world));
  run_ranks({.count = world}, [&](Communicator& ranks) {
    try {
      body(ranks);
    } catch (const StorageError& error) {
      errors[static_cast<std::size_t>(ranks.rank())] = error.what();
    }
  });
  return errors;
}

}  // namespace isobath::test
