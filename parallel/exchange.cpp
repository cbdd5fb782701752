#include "parallel/exchange.hpp"

#include <cstring>

namespace isobath {
namespace {

std::span<const std::byte> bytes_of(const std::string& message) {
  return std::as_bytes(std::span(message.data(), message.size()));
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Bytes travel as i32 words, the smallest element that every backend moves; the tail of the last word is zero.
constexpr std::size_t kWord = sizeof(std::int32_t);

// Each text with its length before it, as one text.
std::string pack_texts(const std::vector<std::string>& messages) {
  std::string packed;
  for (const std::string& message : messages) {
    const std::uint64_t length = message.size();
    packed.append(reinterpret_cast<const char*>(&length), sizeof length);
    packed += message;
  }
  return packed;
}

std::vector<std::string> unpack_texts(const std::string& packed) {
  std::vector<std::string> messages;
  for (std::size_t at = 0; at < packed.size();) {
    std::uint64_t length = 0;
    std::memcpy(&length, packed.data() + at, sizeof length);
    messages.push_back(packed.substr(at + sizeof length, length));
    at += sizeof length + length;
  }
  return messages;
}

}  // namespace

std::vector<std::byte> broadcast_bytes(Communicator& ranks, std::vector<std::byte> bytes, Root root) {
  std::int64_t length = static_cast<std::int64_t>(bytes.size());
  ranks.broadcast({&length, 1, DType::I64}, root).wait();
  std::vector<std::int32_t> words((static_cast<std::size_t>(length) + kWord - 1) / kWord);
  if (ranks.rank() == root.rank && length > 0) std::memcpy(words.data(), bytes.data(), bytes.size());
  ranks.broadcast(MutableBuffer::of(words), root).wait();
  bytes.resize(static_cast<std::size_t>(length));
  if (length > 0) std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

std::string broadcast_text(Communicator& ranks, const std::string& message, Root root) {
  const auto bytes = bytes_of(message);
  return text_of(broadcast_bytes(ranks, {bytes.begin(), bytes.end()}, root));
}

std::vector<std::string> gather_text(Communicator& ranks, const std::string& mine, Root root) {
  std::vector<std::string> messages;
  for (const auto& bytes : ranks.gather(bytes_of(mine), root)) messages.push_back(text_of(bytes));
  return messages;
}

std::vector<std::string> all_gather_text(Communicator& ranks, const std::string& mine) {
  return unpack_texts(broadcast_text(ranks, pack_texts(gather_text(ranks, mine))));
}

}  // namespace isobath
