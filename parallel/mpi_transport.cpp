#include "parallel/mpi_transport.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <vector>

#include "parallel/transport/collective_ring.hpp"
#include "parallel/transport/collectives.hpp"
#include "parallel/transport/end_process.hpp"

namespace isobath {
namespace {

constexpr int kTag = 1;
// MPI counts are int; longer messages go in parts, which arrive in the order in which they were sent.
constexpr std::size_t kPartBytes = std::size_t{1} << 30;

using std::chrono::nanoseconds;
// Short enough to be noise beside a step, long enough for a small collective between idle ranks.
constexpr nanoseconds kSpin{20'000};
// A nap is a share of the time already waited, so it costs no wait more than 1/16. Each look takes some 25 us of a core
// that another rank may be using: a thousand of them a second slowed the ranks at work on a small host by 3 %.
constexpr nanoseconds kShortestNap{10'000}, kLongestNap{4'000'000};
constexpr int kNapShare = 16;

// Longer than a healthy transfer waits for a peer, far shorter than any limit of the watchdog.
constexpr nanoseconds kMissingAfter{20'000'000};

// Notes whose parts are not done; a part that is done becomes MPI_REQUEST_NULL, which Testall counts as done.
void note_missing(std::vector<MPI_Request>& requests, const std::vector<int>& peers, CollectiveRing& ring) {
  std::vector<int> missing;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    int done = 0;
    check_mpi(MPI_Test(&requests[i], &done, MPI_STATUS_IGNORE), "transfer");
    if (done == 0) missing.push_back(peers[i]);
  }
  std::sort(missing.begin(), missing.end());
  missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
  ring.set_missing(missing);
}

// MPI makes progress only inside its calls, and its own waits keep a core busy: so look, sleep, look again. A yield in
// place of the sleep would give a busy core away for a whole time slice.
void finish(std::vector<MPI_Request>& requests, const std::vector<int>& peers, CollectiveRing* ring) {
  const auto begin = std::chrono::steady_clock::now();
  bool is_noted = false;
  for (;;) {
    int done = 0;
    check_mpi(MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE), "transfer");
    if (done != 0) break;
    const nanoseconds waited = std::chrono::steady_clock::now() - begin;
    if (waited < kSpin) continue;
    if (ring != nullptr && waited > kMissingAfter) {
      note_missing(requests, peers, *ring);
      is_noted = true;
    }
    const timespec nap{0, std::clamp(waited / kNapShare, kShortestNap, kLongestNap).count()};
    nanosleep(&nap, nullptr);
  }
  if (is_noted) ring->set_missing({});
}

// start(offset, length, request) for each part of a message; an empty message is one empty part.
template <class Start>
void in_parts(std::size_t bytes, std::vector<MPI_Request>& requests, Start start) {
  std::size_t offset = 0;
  do {
    const std::size_t length = std::min(kPartBytes, bytes - offset);
    check_mpi(start(offset, static_cast<int>(length), &requests.emplace_back(MPI_REQUEST_NULL)), "transfer");
    offset += length;
  } while (offset < bytes);
}

}  // namespace

void check_mpi(int result, const char* call) {
  if (result == MPI_SUCCESS) return;
  char words[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(result, words, &length);
  throw PeerError(text("MPI failed in ", call, ": ", std::string(words, static_cast<std::size_t>(length))));
}

MpiTransport::MpiTransport(MPI_Comm communicator) : communicator_(communicator) {
  check_mpi(MPI_Comm_set_errhandler(communicator_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(communicator_, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(communicator_, &size_), "MPI_Comm_size");
}

MpiTransport::~MpiTransport() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (finalized == 0) MPI_Comm_free(&communicator_);
}

void MpiTransport::transfer(std::span<const Outgoing> outgoing, std::span<const Incoming> incoming) {
  std::vector<MPI_Request> requests;
  std::vector<int> peers;  // of each request
  for (const Incoming& from : incoming) {
    in_parts(from.bytes, requests, [&](std::size_t offset, int length, MPI_Request* request) {
      return MPI_Irecv(static_cast<std::byte*>(from.data) + offset, length, MPI_BYTE, from.peer, kTag, communicator_,
                       request);
    });
    peers.resize(requests.size(), from.peer);
  }
  for (const Outgoing& to : outgoing) {
    in_parts(to.bytes, requests, [&](std::size_t offset, int length, MPI_Request* request) {
      return MPI_Isend(static_cast<const std::byte*>(to.data) + offset, length, MPI_BYTE, to.peer, kTag, communicator_,
                       request);
    });
    peers.resize(requests.size(), to.peer);
  }
  finish(requests, peers, ring());
}

std::unique_ptr<Transport> MpiTransport::split(int color) {
  collectives::barrier(*this);  // waits asleep for the late ones; the call below would keep a core busy
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(communicator_, color, rank_, &part), "MPI_Comm_split");
  return std::make_unique<MpiTransport>(part);
}

void MpiTransport::abort(ExitCode code) noexcept { end_process(code); }

}  // namespace isobath
