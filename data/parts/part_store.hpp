#pragma once
// The parts that are encoded already: durable files in a folder below the dataset's, gone when the dataset is whole.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "data/files/fingerprint.hpp"
#include "data/tokens/token_file.hpp"

namespace isobath {

class PartStore {
 public:
  /// In the folder of a dataset.
  explicit PartStore(const std::filesystem::path& output) : output_(output), folder_(output / "parts") {}

  const std::filesystem::path& output() const { return output_; }

  /// Keeps what is there if it was made by the same `plan`, and removes it otherwise. Throws StorageError.
  void open(const Fingerprint& plan) const;
  /// What open() was called with, by this or another process; empty before and where the folder is another one.
  std::string plan() const;
  /// Throws StorageError.
  void remove() const;

  std::filesystem::path file(std::size_t part) const;
  /// Any small file that goes with the parts.
  std::filesystem::path file(const std::string& name) const { return folder_ / name; }
  /// The part, every token of it checked against its digest; nothing where it is missing or damaged.
  std::optional<TokenFile> whole(std::size_t part) const;

 private:
  std::filesystem::path output_, folder_;
};

}  // namespace isobath
