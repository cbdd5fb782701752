#include "trainer/checkpoint/background/snapshot.hpp"

#include <algorithm>

#include "ops/core/threads.hpp"
#include "trainer/checkpoint/background/stream_copy.hpp"

namespace isobath {
namespace {

constexpr std::int64_t kGrain = 1 << 20;  // bytes that are worth a thread

}  // namespace

void Snapshot::reserve(std::size_t bytes) {
  if (bytes <= capacity_) return;
  pieces_.clear();
  memory_.reset();                                 // before the new one: there need not be room for both
  memory_ = std::make_unique<std::byte[]>(bytes);  // zeros: the pages are there when the first copy is taken
  capacity_ = bytes;
}

void Snapshot::take(std::span<const std::span<const std::byte>> pieces) {
  reserve(total_bytes(pieces));
  pieces_.clear();
  std::byte* next = memory_.get();
  for (const std::span<const std::byte> piece : pieces) {
    pieces_.emplace_back(next, piece.size());
    next += piece.size();
  }
  parallel_for(next - memory_.get(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::size_t i = 0; i < pieces.size(); ++i) copy_between(pieces[i], pieces_[i], begin, end);
  });
}

/// The bytes of one piece that fall into [begin, end) of the copy.
void Snapshot::copy_between(std::span<const std::byte> from, std::span<const std::byte> copy, std::int64_t begin,
                            std::int64_t end) {
  const std::int64_t at = copy.data() - memory_.get(), after = at + std::ssize(copy);
  begin = std::max(begin, at);
  end = std::min(end, after);
  if (begin >= end) return;
  stream_copy(memory_.get() + begin,
              from.subspan(static_cast<std::size_t>(begin - at), static_cast<std::size_t>(end - begin)));
}

std::size_t total_bytes(std::span<const std::span<const std::byte>> pieces) {
  std::size_t bytes = 0;
  for (const std::span<const std::byte> piece : pieces) bytes += piece.size();
  return bytes;
}

}  // namespace isobath
