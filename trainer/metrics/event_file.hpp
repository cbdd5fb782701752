#pragma once
// TensorBoard's event file: TFRecords (length, masked CRC-32C of it, bytes, masked CRC-32C of them) of Event messages
// in the protocol-buffer wire format. Formats: tensorflow/core/util/event.proto, core/framework/summary.proto and
// core/lib/io/record_writer of TensorFlow; only what is used here is encoded.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "ops/core/files/descriptor.hpp"

namespace isobath {

/// The values of one step.
class Summary {
 public:
  void scalar(std::string_view tag, double value);
  /// Counts of values in equal parts of [0, 1]. Sums are reckoned with the middle of each part.
  void histogram(std::string_view tag, const std::vector<double>& counts);
  /// A Summary message.
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// One file a session; TensorBoard reads all of a folder.
class EventFile {
 public:
  /// Makes a file in `folder` that begins with a mark: steps from `first_step` on that an earlier file holds are void.
  /// Throws StorageError.
  EventFile(const std::filesystem::path& folder, std::int64_t first_step);

  /// Appends; readers see it at once. Throws StorageError.
  void write(std::int64_t step, const Summary& summary);

 private:
  void append(std::string_view event);

  std::filesystem::path path_;
  Descriptor file_;
};

/// CRC-32C (Castagnoli, reflected), as RFC 3720 appendix B.4 tests it.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace isobath
