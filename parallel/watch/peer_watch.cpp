#include "parallel/watch/peer_watch.hpp"

#include <atomic>
#include <filesystem>
#include <thread>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ops/core/files/descriptor.hpp"
#include "parallel/exchange.hpp"
#include "parallel/transport/without_signals.hpp"

namespace isobath {
namespace {

constexpr int kLookMilliseconds = 50;
// mpirun and srun return the code of the rank whose end they see first: let that be the one that died.
constexpr std::chrono::milliseconds kGrace{1000};

// Processes that can see each other by number: one host, one process namespace.
std::string neighbourhood() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  std::error_code unknown;
  return host + std::filesystem::read_symlink("/proc/self/ns/pid", unknown).string();
}

struct Peer {
  int rank;
  pid_t process;
  Descriptor handle;  // readable when the process has ended, and of no other process, as a number may be
};

std::vector<Peer> peers_of(Communicator& ranks) {
  const std::string here = neighbourhood();
  const std::vector<std::string> all = all_gather_text(ranks, text(getpid(), ' ', here));
  std::vector<Peer> peers;
  for (int rank = 0; rank < ranks.size(); ++rank) {
    const std::string& told = all[static_cast<std::size_t>(rank)];
    const auto space = told.find(' ');
    if (rank == ranks.rank() || told.substr(space + 1) != here) continue;
    const auto process = static_cast<pid_t>(std::atoi(told.c_str()));
    // A kernel without such handles (before 5.3) leaves the peer to the launcher.
    Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
    if (handle.is_open()) peers.push_back({rank, process, std::move(handle)});
  }
  return peers;
}

}  // namespace

struct PeerWatch::State {
  Communicator& ranks;
  std::vector<Peer> peers;
  std::atomic<bool> over{false};
  std::thread thread;

  explicit State(Communicator& all) : ranks(all), peers(peers_of(all)) {}

  void watch() {
    std::vector<pollfd> handles;
    for (const Peer& peer : peers) handles.push_back({peer.handle.number(), POLLIN, 0});
    while (!over.load()) {
      if (::poll(handles.data(), handles.size(), kLookMilliseconds) <= 0) continue;
      for (std::size_t i = 0; i < handles.size(); ++i)
        if (handles[i].revents != 0) return end_after(i);
    }
  }

  void end_after(std::size_t gone) {
    std::this_thread::sleep_for(kGrace);
    if (over.load()) return;
    const bool is_lowest = peers[gone == 0 && peers.size() > 1 ? 1 : 0].rank > ranks.rank() || peers.size() == 1;
    if (is_lowest) {
      const std::string line = text("error: rank ", ranks.rank(), ": rank ", peers[gone].rank, " (process ",
                                    peers[gone].process, " on this host) has died; the job ends\n");
      [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    }
    ranks.abort(ExitCode::PeerLost);
  }
};

PeerWatch::PeerWatch(Communicator& ranks) : state_(std::make_unique<State>(ranks)) {
  if (state_->peers.empty()) return;
  const WithoutSignals scope;
  state_->thread = std::thread([state = state_.get()] { state->watch(); });
}

PeerWatch::~PeerWatch() {
  state_->over.store(true);
  if (state_->thread.joinable()) state_->thread.join();
}

}  // namespace isobath
