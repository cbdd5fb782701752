#include <cerrno>
#include <cstring>

#include <spawn.h>
#include <sys/wait.h>

#include "data/corpora/corpora.hpp"
#include "data/files/sha256.hpp"
#include "ops/core/error.hpp"
#include "ops/core/files/durable.hpp"

extern char** environ;

namespace isobath {
namespace {

// The exit code of curl; its messages go to standard error.
int run_curl(const std::string& url, const std::string& output) {
  std::string program = "curl", address = url, target = output;
  std::string flags = "-fsSL", connect = "--connect-timeout", seconds = "30", out = "-o", end = "--";
  char* const arguments[] = {program.data(), flags.data(), connect.data(), seconds.data(), out.data(),
                             target.data(),  end.data(),   address.data(), nullptr};
  pid_t child = 0;
  const int problem = ::posix_spawnp(&child, "curl", nullptr, nullptr, arguments, environ);
  if (problem != 0)
    throw DataError(text(url, ": curl cannot be started: ", std::strerror(problem),
                         "; install it, or get the file yourself and name its folder: --from DIR"));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

void download(const std::string& url, const std::filesystem::path& path, std::string_view sha256) {
  const std::filesystem::path temporary = temporary_name(path);
  std::error_code ignored;  // a left-over that stays does no harm: the next download writes over it
  if (const int code = run_curl(url, temporary.string()); code != 0) {
    std::filesystem::remove(temporary, ignored);
    throw DataError(text(url, ": curl ended with code ", code,
                         "; see its message above, or get the file yourself and name its folder: --from DIR"));
  }
  const std::string found = sha256_of(temporary);
  if (found != sha256) {
    std::filesystem::remove(temporary, ignored);
    throw DataError(text(url, ": what was downloaded has SHA-256 ", found, ", expected ", sha256,
                         "; it was changed, or something else answered in its place"));
  }
  sync_temporary(path);
  publish(path);
}

}  // namespace isobath
