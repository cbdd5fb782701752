#pragma once
// What the checkpoint tests share: a scratch directory, a state and tensors that are functions of the step, ranks as
// threads, and child processes that may die.

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "parallel/communicator.hpp"
#include "trainer/checkpoint/checkpoint.hpp"
#include "trainer/checkpoint/manifest/training_state.hpp"

namespace isobath::test {

/// A directory of its own, removed at the end.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::filesystem::path& path() const { return path_; }
  /// Where checkpoints go in most tests.
  std::filesystem::path root() const { return path_ / "checkpoints"; }

 private:
  std::filesystem::path path_;
};

/// A state of which every field differs from its default and from that of other steps.
TrainingState state_at(std::int64_t step);

/// Tensors of every dtype, among them a scalar, one without elements, and bf16 words that are NaNs and denormals. The
/// contents differ from step to step; they belong to the calling thread.
std::vector<NamedTensor> tensors_at(std::int64_t step);
/// The same names and shapes, filled with bytes that no step has.
std::vector<NamedTensor> blank_tensors();
/// The bytes of each tensor by name.
std::map<std::string, std::string> bytes_of(const std::vector<NamedTensor>& tensors);

/// Saves state_at(step) and tensors_at(step) with `world` ranks.
std::filesystem::path save_at(const std::filesystem::path& root, std::int64_t step, int world = 2);
/// Loads with `world` ranks and expects every rank to get exactly state_at(step) and tensors_at(step).
void expect_loads(const std::filesystem::path& directory, std::int64_t step, int world = 1);
/// The error that loading with one rank ends with; an unexpected success is reported as a failure of the test.
std::string load_error(const std::filesystem::path& directory);

/// Name and content of every file below `directory`, by relative path.
std::map<std::string, std::string> files_below(const std::filesystem::path& directory);
std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& content);
/// Flips one bit where it lies; again, and the file is whole.
void flip_bit(const std::filesystem::path& path, std::int64_t offset, int bit);

/// Runs `body` in a child process and returns what waitpid reports; an exception or a failed expectation ends it with
/// status 1, otherwise with 0.
int in_child(const std::function<void()>& body);

/// As many messages as `body` throws StorageErrors on `world` ranks; ranks that succeed add "".
std::vector<std::string> errors_of_ranks(int world, const std::function<void(Communicator&)>& body);

}  // namespace isobath::test
