// TensorBoard's records, against published test vectors and byte by byte.
#include "trainer/metrics/event_file.hpp"

#include <cstring>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "ops/core/error.hpp"
#include "support/temp_folder.hpp"

namespace isobath::test {
namespace {

TEST(Crc32c, MeetsPublishedVectors) {
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU) << "RFC 3720, B.4";
}

std::string only_file_of(const std::filesystem::path& folder) {
  std::filesystem::path found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) found = entry.path();
  EXPECT_TRUE(found.filename().string().starts_with("events.out.tfevents."));
  std::ifstream file(found, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> records_of(const std::string& bytes) {
  const auto masked = [](std::string_view of) { return ((crc32c(of) >> 15) | (crc32c(of) << 17)) + 0xa282ead8U; };
  std::vector<std::string> out;
  for (std::size_t at = 0; at < bytes.size();) {
    std::uint64_t length = 0;
    std::uint32_t crc = 0;
    std::memcpy(&length, bytes.data() + at, 8);
    std::memcpy(&crc, bytes.data() + at + 8, 4);
    EXPECT_EQ(crc, masked(std::string_view(bytes).substr(at, 8)));
    out.push_back(bytes.substr(at + 12, length));
    std::memcpy(&crc, bytes.data() + at + 12 + length, 4);
    EXPECT_EQ(crc, masked(out.back()));
    at += 16 + length;
  }
  return out;
}

TEST(EventFile, HoldsVersionMarkAndValues) {
  const TempFolder folder;
  Summary summary;
  summary.scalar("a/b", 1.5);
  {
    EventFile file(folder.path(), 300);
    file.write(301, summary);
  }
  const std::vector<std::string> records = records_of(only_file_of(folder.path()));
  ASSERT_EQ(records.size(), 3u);
  // Behind key and wall time (9 bytes): the step as a varint, then the message itself.
  EXPECT_EQ(records[0].substr(9), std::string("\x10\0\x1a\x0d", 4) + "brain.Event:2");
  EXPECT_EQ(records[1].substr(9), std::string("\x10\xac\x02\x3a\x02\x08\x01", 7)) << "session log, status start";
  EXPECT_EQ(records[2].substr(9),
            std::string("\x10\xad\x02\x2a\x0c\x0a\x0a\x0a\x03", 9) + "a/b" + std::string("\x15\0\0\xc0\x3f", 5));
}

TEST(EventFile, SaysWhereItCannotWrite) { EXPECT_THROW(EventFile("/nowhere/at/all", 1), StorageError); }

}  // namespace
}  // namespace isobath::test
