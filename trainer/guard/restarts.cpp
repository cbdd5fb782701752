#include "trainer/guard/restarts.hpp"

#include <cerrno>
#include <ctime>
#include <fstream>

#include <fcntl.h>

#include "ops/core/error.hpp"
#include "ops/core/files/descriptor.hpp"
#include "ops/core/files/durable.hpp"
#include "ops/core/files/json.hpp"

namespace isobath {
namespace {

/// Lines at the end of the file that began at `step`.
std::int64_t starts_at(const std::filesystem::path& file, std::int64_t step) {
  std::ifstream lines(file);
  std::int64_t count = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object()) continue;
    count = entry.value("step", std::int64_t{-1}) == step ? count + 1 : 0;
  }
  return count;
}

/// Whether what is appended begins a line: not after one that was torn.
bool ends_in_a_line(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in || in.tellg() == 0) return true;
  in.seekg(-1, std::ios::end);
  return in.get() == '\n';
}

void append_durably(const std::filesystem::path& file, const std::string& line) {
  Descriptor out(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
  if (!out.is_open()) throw StorageError(system_failure(file, "be opened", errno));
  const std::string bytes = (ends_in_a_line(file) ? "" : "\n") + line + '\n';
  if (::write(out.number(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
      ::fsync(out.number()) != 0 || out.close() != 0)
    throw StorageError(system_failure(file, "be written", errno));
  sync_directory(file.parent_path());
}

}  // namespace

void note_start(const std::filesystem::path& file, const Start& start, std::int64_t most) {
  const std::int64_t before = most > 0 ? starts_at(file, start.step) : 0;
  if (most > 0 && before >= most)
    throw Error(ExitCode::Stopped,
                text("the last ", before, " starts all began at step ", start.step,
                     " and left no checkpoint of a later one: another start would not either. Look for the reason in "
                     "their output and in crash-*.json; once it is mended remove ",
                     file.string(), ", or raise guard.max_restarts"));
  append_durably(file,
                 nlohmann::json{{"time", std::time(nullptr)}, {"step", start.step}, {"world", start.world}}.dump());
}

}  // namespace isobath
