#include "tests/emulated/nccl/mesh.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace isobath::emulated::nccl {
namespace {

constexpr int kSocket = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

// In Linux's abstract namespace: a zero byte, then the name.
struct Address {
  sockaddr_un where{};
  socklen_t length;

  Address(const std::string& name, int rank) {
    const std::string full = name + '.' + std::to_string(rank);
    where.sun_family = AF_UNIX;
    std::memcpy(where.sun_path + 1, full.data(), full.size());
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + full.size());
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&where); }
};

void close_socket(int& socket) {
  if (socket >= 0) ::close(socket);
  socket = -1;
}

}  // namespace

Mesh::Mesh(std::string name, Place place)
    : name_(std::move(name)), place_(place), peers_(static_cast<std::size_t>(place.size)) {
  listen();
}

Mesh::~Mesh() { close(); }

void Mesh::close() {
  close_socket(listener_);
  for (int& socket : unnamed_) close_socket(socket);
  unnamed_.clear();
  for (Peer& peer : peers_) {
    close_socket(peer.socket);
    peer.closed = true;
  }
}

void Mesh::listen() {
  listener_ = ::socket(AF_UNIX, kSocket, 0);
  const Address mine(name_, place_.rank);
  if (::bind(listener_, mine.get(), mine.length) != 0)
    failure_ = errno == EADDRINUSE ? ncclInvalidUsage : ncclSystemError;
  else if (::listen(listener_, place_.size) != 0)
    failure_ = ncclSystemError;
}

bool Mesh::dial(int peer) {
  int socket = ::socket(AF_UNIX, kSocket, 0);
  const Address theirs(name_, peer);
  if (::connect(socket, theirs.get(), theirs.length) != 0 ||
      ::send(socket, &place_, sizeof place_, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof place_)) {
    close_socket(socket);  // not there yet
    return false;
  }
  peers_[static_cast<std::size_t>(peer)].socket = socket;
  return true;
}

void Mesh::accept_some() {
  for (int socket; (socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;)
    unnamed_.push_back(socket);
  std::erase_if(unnamed_, [&](int socket) {
    Place theirs{};
    const ssize_t got = ::recv(socket, &theirs, sizeof theirs, 0);
    if (got < 0 && errno == EAGAIN) return false;
    const bool fits = got == static_cast<ssize_t>(sizeof theirs) && theirs.size == place_.size &&
                      theirs.rank > place_.rank && theirs.rank < place_.size;
    if (fits)
      peers_[static_cast<std::size_t>(theirs.rank)].socket = socket;
    else
      failure_ = ncclInvalidUsage;
    if (!fits) ::close(socket);
    return true;
  });
}

ncclResult_t Mesh::connect() {
  if (failure_ != ncclSuccess) return failure_;
  accept_some();
  bool complete = true;
  for (int peer = 0; peer < place_.size; ++peer) {
    if (peer == place_.rank || peers_[static_cast<std::size_t>(peer)].socket >= 0) continue;
    complete = peer < place_.rank && dial(peer) && complete;
  }
  if (failure_ != ncclSuccess) return failure_;
  return complete ? ncclSuccess : ncclInProgress;
}

// On the wire: the call, the length of the data, the data.
void Mesh::send(int peer, const Call& call, const Bytes& data) {
  Bytes& out = peers_[static_cast<std::size_t>(peer)].out;
  const std::uint64_t length = data.size();
  const auto append = [&](const void* from, std::size_t bytes) {
    const auto* const begin = static_cast<const std::byte*>(from);
    out.insert(out.end(), begin, begin + bytes);
  };
  append(&call, sizeof call);
  append(&length, sizeof length);
  append(data.data(), data.size());
}

void Mesh::push(Peer& peer) {
  while (peer.sent < peer.out.size()) {
    const ssize_t got = ::send(peer.socket, peer.out.data() + peer.sent, peer.out.size() - peer.sent, MSG_NOSIGNAL);
    if (got <= 0) return;  // full, or gone: pull() sees which
    peer.sent += static_cast<std::size_t>(got);
  }
  peer.out.clear();
  peer.sent = 0;
}

void Mesh::pull(Peer& peer) {
  constexpr std::size_t kHead = sizeof(Call) + sizeof(std::uint64_t), kRead = 1 << 16;
  thread_local std::array<std::byte, kRead> buffer;
  ssize_t got;
  while ((got = ::recv(peer.socket, buffer.data(), kRead, 0)) > 0)
    peer.raw.insert(peer.raw.end(), buffer.begin(), buffer.begin() + got);
  peer.closed = got == 0 || (errno != EAGAIN && errno != EINTR);
  std::size_t at = 0;
  while (peer.raw.size() - at >= kHead) {
    Message message;
    std::uint64_t length = 0;
    std::memcpy(&message.call, peer.raw.data() + at, sizeof(Call));
    std::memcpy(&length, peer.raw.data() + at + sizeof(Call), sizeof length);
    if (peer.raw.size() - at - kHead < length) break;
    const auto begin = peer.raw.begin() + static_cast<std::ptrdiff_t>(at + kHead);
    message.data.assign(begin, begin + static_cast<std::ptrdiff_t>(length));
    peer.in.push_back(std::move(message));
    at += kHead + length;
  }
  peer.raw.erase(peer.raw.begin(), peer.raw.begin() + static_cast<std::ptrdiff_t>(at));
}

void Mesh::pump() {
  for (Peer& peer : peers_) {
    if (peer.socket < 0 || peer.closed) continue;
    push(peer);
    pull(peer);
  }
}

bool Mesh::has_unsent() const {
  return std::any_of(peers_.begin(), peers_.end(), [](const Peer& peer) { return !peer.closed && !peer.out.empty(); });
}

}  // namespace isobath::emulated::nccl
