#pragma once
// The program in the background: signalled, stopped and killed while it works, as a cluster does it.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "launcher/program.hpp"

namespace isobath::test {

using Seconds = std::chrono::duration<double>;

/// Whether `condition` held before `limit` was over.
template <class Condition>
bool holds_within(Seconds limit, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

/// One process in a folder, its output in the files .out and .err there. Killed, with what it started, when the test
/// ends before it does.
class Process {
 public:
  /// `command` as a shell reads it, with the environment of cluster/mpi-environment.sh.
  Process(const Workbench& bench, const std::string& command, int patience = 1) : bench_(bench) {
    const std::string whole = bench.enter(patience) + " && exec " + command + " >.out 2>.err </dev/null";
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::setpgid(0, 0);
    ::execl("/bin/sh", "sh", "-c", whole.c_str(), nullptr);
    ::_exit(127);
  }
  ~Process() {
    if (ended_) return;
    for (const auto& [rank, pid] : ranks()) ::kill(pid, SIGKILL);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void send(int signal) const { ::kill(pid_, signal); }

  /// The exit code, as a shell gives it; nothing when the process still runs after `limit`.
  std::optional<int> ends_within(Seconds limit) {
    int status = 0;
    if (!holds_within(limit, [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) return std::nullopt;
    ended_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  /// Process ids by rank of what mpirun has started.
  std::map<int, pid_t> ranks() const {
    std::map<int, pid_t> found;
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
      const pid_t pid = std::atoi(entry.path().filename().c_str());
      if (pid <= 0 || parent_of(entry.path()) != pid_) continue;
      const std::string environment = content_of(entry.path() / "environ"), name = "OMPI_COMM_WORLD_RANK=";
      const auto at = environment.find(name);
      if (at != std::string::npos) found[std::atoi(environment.c_str() + at + name.size())] = pid;
    }
    return found;
  }

  std::string err() const { return content_of(bench_ / ".err"); }
  std::string out() const { return content_of(bench_ / ".out"); }

 private:
  static pid_t parent_of(const std::filesystem::path& process) {
    const std::string stat = content_of(process / "stat");
    const auto end = stat.rfind(") ");  // after the name, which may hold anything: state, parent
    return end == std::string::npos ? -1 : std::atoi(stat.c_str() + std::min(end + 4, stat.size()));
  }

  const Workbench& bench_;
  pid_t pid_ = -1;
  bool ended_ = false;
};

/// Whether the process is gone or only waits to be noticed by its parent.
inline bool is_gone(pid_t pid) {
  const std::string stat = content_of("/proc/" + std::to_string(pid) + "/stat");
  return stat.empty() || stat.find(") Z ") != std::string::npos;
}

}  // namespace isobath::test
