#include "data/documents/text_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include <unistd.h>

#include "data/files/open_to_read.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kBlockBytes = std::int64_t{1} << 20;

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code problem;
  auto entry = fs::recursive_directory_iterator(folder, problem);
  for (const fs::recursive_directory_iterator end; !problem && entry != end; entry.increment(problem)) {
    std::error_code unknown;
    if (entry->path().filename().string().starts_with('.')) {
      if (entry->is_directory(unknown)) entry.disable_recursion_pending();
    } else if (entry->is_regular_file(unknown) && entry->file_size(unknown) > 0) {
      out.push_back(entry->path());
    }
  }
  if (problem) throw DataError(text(folder.string(), ": cannot be listed: ", problem.message()));
  if (out.empty()) throw DataError(text(folder.string(), ": holds no text; name a file, or a folder with some"));
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

std::vector<fs::path> text_files(const std::vector<fs::path>& paths) {
  std::vector<fs::path> out;
  for (const fs::path& path : paths) {
    std::error_code unknown;  // opening the file says what is wrong with it
    if (!fs::is_directory(path, unknown)) {
      out.push_back(path);
      continue;
    }
    const std::vector<fs::path> below = files_below(path);
    out.insert(out.end(), below.begin(), below.end());
  }
  return out;
}

void for_each_block(const fs::path& path, std::int64_t begin, std::int64_t end,
                    const std::function<void(std::span<const std::byte>)>& take) {
  const Descriptor file = open_to_read(path);
  std::vector<std::byte> block(static_cast<std::size_t>(std::min(kBlockBytes, end - begin)));
  while (begin < end) {
    const auto wanted = static_cast<std::size_t>(std::min(kBlockBytes, end - begin));
    const ssize_t got = ::pread(file.number(), block.data(), wanted, begin);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw DataError(text(path.string(), ": reading failed: ", std::strerror(errno)));
    if (got == 0) return;  // shorter than it was: its content differs, which the caller finds
    take(std::span(block).first(static_cast<std::size_t>(got)));
    begin += got;
  }
}

}  // namespace isobath
