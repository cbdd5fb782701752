#pragma once
// Sockets between all ranks of a communicator. They have names in the kernel only and are gone with their processes.

#include <deque>
#include <string>
#include <vector>

#include "tests/emulated/nccl/call.hpp"

namespace isobath::emulated::nccl {

struct Message {
  Call call;
  Bytes data;
};

/// Nothing here waits; whoever uses it looks again. One thread at a time.
class Mesh {
 public:
  Mesh(std::string name, Place place);
  ~Mesh();
  Mesh(const Mesh&) = delete;
  Mesh& operator=(const Mesh&) = delete;

  /// ncclInProgress until every peer is there. ncclInvalidUsage when two ranks have one number, or ranks believe in
  /// different sizes.
  ncclResult_t connect();
  void send(int peer, const Call& call, const Bytes& data);
  /// Moves what can be moved.
  void pump();
  /// What has come whole, in order.
  std::deque<Message>& received(int peer) { return peers_[static_cast<std::size_t>(peer)].in; }
  /// Whether the peer has closed and everything that it sent has come.
  bool closed(int peer) const { return peers_[static_cast<std::size_t>(peer)].closed; }
  /// Whether there is something that a peer still there has not taken.
  bool has_unsent() const;
  void close();

 private:
  struct Peer {
    int socket = -1;
    bool closed = false;
    Bytes out, raw;  // `raw` is the beginning of a message
    std::size_t sent = 0;
    std::deque<Message> in;
  };

  void listen();
  bool dial(int peer);
  void accept_some();
  static void push(Peer& peer);
  static void pull(Peer& peer);

  std::string name_;
  Place place_;
  int listener_ = -1;
  ncclResult_t failure_ = ncclSuccess;
  std::vector<int> unnamed_;  // accepted, and not yet known whose they are
  std::vector<Peer> peers_;
};

}  // namespace isobath::emulated::nccl
