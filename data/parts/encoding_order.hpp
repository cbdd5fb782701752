#pragma once
// An EncodingJob as a message, to processes that see the same files.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/parts/encode_parts.hpp"

namespace isobath {

/// What another process needs to take a share of `job`: texts, parts, documents, and where tokenizer and store are.
std::string to_order(const EncodingJob& job);

/// The receiver's side of an order.
class OrderedJob {
 public:
  /// Throws StorageError where this process does not see the folder that the order's sender writes to, and DataError
  /// for a tokenizer there that is not the sender's.
  explicit OrderedJob(const std::string& order);

  /// As the sender has it, but for threads, share, done and stop. Refers to this object.
  EncodingJob job() const;

 private:
  std::vector<std::filesystem::path> texts_;
  std::vector<Part> parts_;
  DocumentRule documents_;
  PartStore store_;
  Fingerprint vocabulary_;
  std::shared_ptr<const Tokenizer> tokenizer_;
};

}  // namespace isobath
