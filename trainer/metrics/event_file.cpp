#include "trainer/metrics/event_file.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "ops/core/error.hpp"
#include "ops/core/files/durable.hpp"

namespace isobath {
namespace {

// Wire types of protocol buffers, and the fields used, by their message.
enum Wire : std::uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
namespace event {
constexpr std::uint64_t kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;
}
namespace value {
constexpr std::uint64_t kInSummary = 1, kTag = 1, kSimple = 2, kHistogram = 5;
}
namespace histo {
constexpr std::uint64_t kMin = 1, kMax = 2, kNumber = 3, kSum = 4, kSumOfSquares = 5, kLimits = 6, kCounts = 7;
}
constexpr std::uint64_t kSessionStatus = 1, kSessionStart = 1;

template <class T>
void put_plain(std::string& out, T value) {  // little-endian, as x86 and ARM are
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_key(std::string& out, std::uint64_t field, Wire wire) { put_varint(out, field << 3 | wire); }

void put_double(std::string& out, std::uint64_t field, double number) {
  put_key(out, field, kFixed64);
  put_plain(out, number);
}

void put_bytes(std::string& out, std::uint64_t field, std::string_view bytes) {
  put_key(out, field, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

void put_integer(std::string& out, std::uint64_t field, std::uint64_t number) {
  put_key(out, field, kVarint);
  put_varint(out, number);
}

std::string doubles(const std::vector<double>& numbers) {
  std::string out;
  for (double number : numbers) put_plain(out, number);
  return out;
}

std::string event_at(std::int64_t step) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::string out;
  put_double(out, event::kWallTime, std::chrono::duration<double>(now).count());
  put_integer(out, event::kStep, static_cast<std::uint64_t>(step));
  return out;
}

std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

std::filesystem::path new_file_in(const std::filesystem::path& folder) {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  // Nanoseconds in ten digits of seconds and nine behind them: files sort as they were made.
  const auto at = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  return folder / text("events.out.tfevents.", at / 1000000000, '.', at % 1000000000, '.', host, '.', ::getpid());
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> out{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t rest = i;
      for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1U) != 0 ? 0x82f63b78U : 0U);
      out[i] = rest;
    }
    return out;
  }();
  std::uint32_t crc = ~0U;
  for (char byte : bytes) crc = table[(crc ^ static_cast<unsigned char>(byte)) & 0xffU] ^ (crc >> 8);
  return ~crc;
}

void Summary::scalar(std::string_view tag, double number) {
  std::string inside;
  put_bytes(inside, value::kTag, tag);
  put_key(inside, value::kSimple, kFixed32);
  put_plain(inside, static_cast<float>(number));
  put_bytes(bytes_, value::kInSummary, inside);
}

void Summary::histogram(std::string_view tag, const std::vector<double>& counts) {
  const double width = 1.0 / static_cast<double>(counts.size());
  std::vector<double> limits;
  double number = 0.0, sum = 0.0, squares = 0.0;
  for (std::size_t bin = 0; bin < counts.size(); ++bin) {
    const double middle = (static_cast<double>(bin) + 0.5) * width;
    limits.push_back(static_cast<double>(bin + 1) * width);
    number += counts[bin];
    sum += counts[bin] * middle;
    squares += counts[bin] * middle * middle;
  }
  std::string shape;
  put_double(shape, histo::kMin, 0.0);
  put_double(shape, histo::kMax, 1.0);
  put_double(shape, histo::kNumber, number);
  put_double(shape, histo::kSum, sum);
  put_double(shape, histo::kSumOfSquares, squares);
  put_bytes(shape, histo::kLimits, doubles(limits));
  put_bytes(shape, histo::kCounts, doubles(counts));
  std::string inside;
  put_bytes(inside, value::kTag, tag);
  put_bytes(inside, value::kHistogram, shape);
  put_bytes(bytes_, value::kInSummary, inside);
}

EventFile::EventFile(const std::filesystem::path& folder, std::int64_t first_step) : path_(new_file_in(folder)) {
  file_ = Descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file_.is_open()) throw StorageError(system_failure(path_, "cannot be made", errno));
  std::string version = event_at(0);
  put_bytes(version, event::kFileVersion, "brain.Event:2");
  append(version);
  std::string start = event_at(first_step), status;
  put_integer(status, kSessionStatus, kSessionStart);
  put_bytes(start, event::kSessionLog, status);
  append(start);
}

void EventFile::write(std::int64_t step, const Summary& summary) {
  std::string record = event_at(step);
  put_bytes(record, event::kSummary, summary.bytes());
  append(record);
}

void EventFile::append(std::string_view event) {
  std::string record;
  put_plain(record, static_cast<std::uint64_t>(event.size()));
  put_plain(record, masked_crc(record));
  record += event;
  put_plain(record, masked_crc(event));
  std::string_view left = record;
  while (!left.empty()) {
    const ssize_t wrote = ::write(file_.number(), left.data(), left.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) throw StorageError(system_failure(path_, "cannot be written", errno));
    left.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

}  // namespace isobath
