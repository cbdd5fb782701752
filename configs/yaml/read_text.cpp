#include "configs/yaml/read_text.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "configs/schema/document/nearest.hpp"
#include "configs/yaml/parse.hpp"

namespace isobath::config {
namespace {

namespace fs = std::filesystem;

/// The file of the same folder whose name is nearest to the one that is not there.
std::string neighbour(const fs::path& path) {
  std::error_code error;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::vector<std::string> names;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".yaml" || at->path().extension() == ".yml")
      names.push_back(at->path().filename().string());
  if (error) return "the folder " + in_quotes(folder.string()) + " cannot be listed: " + error.message();
  const std::string meant = nearest(path.filename().string(), names);
  if (!meant.empty()) return "did you mean " + (path.parent_path() / meant).string() + "?";
  return "check the path; it is relative to the file that extends it, or to the working directory";
}

}  // namespace

std::optional<Unreadable> read_text(const fs::path& path, std::string& text) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return Unreadable{"does not exist", neighbour(path)};
  if (fs::is_directory(status)) return Unreadable{"is a folder", "name a file in it"};
  std::ifstream file(path, std::ios::binary);
  text.resize(kLongestText + 1);
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad())
    return Unreadable{std::string("cannot be read: ") + std::strerror(errno), "check its permissions"};
  text.resize(static_cast<std::size_t>(file.gcount()));
  return std::nullopt;
}

}  // namespace isobath::config
