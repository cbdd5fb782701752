#include "data/files/text_reader.hpp"

#include <cerrno>
#include <cstring>
#include <vector>

#include <unistd.h>

#include "data/files/open_to_read.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

}  // namespace

void for_each_block(const std::filesystem::path& path, const std::function<void(std::span<const std::byte>)>& take) {
  const Descriptor file = open_to_read(path);
  std::vector<std::byte> block(kBlockBytes);
  for (;;) {
    const ssize_t got = ::read(file.number(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw DataError(text(path.string(), ": reading failed: ", std::strerror(errno)));
    if (got == 0) return;
    take(std::span(block).first(static_cast<std::size_t>(got)));
  }
}

std::string read_text(const std::filesystem::path& path, std::size_t limit) {
  std::string out;
  for_each_block(path, [&](std::span<const std::byte> block) {
    if (out.size() + block.size() > limit)
      throw DataError(text(path.string(), ": holds more than ", limit, " bytes; this is not a file isobath wrote"));
    out.append(reinterpret_cast<const char*>(block.data()), block.size());
  });
  return out;
}

}  // namespace isobath
