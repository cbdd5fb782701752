#include "parallel/transport/collective_ring.hpp"

#include <algorithm>

#include "ops/core/steady_clock.hpp"

namespace isobath {
const char* name_of(Carrier carrier) { return carrier == Carrier::Host ? "host" : "nccl"; }

void CollectiveRing::Slot::write(const CollectiveNote& note) {
  sequence.store(0);
  group.store(note.group);
  kind.store(note.kind);
  dtype.store(note.dtype);
  carrier.store(note.carrier);
  bytes.store(note.bytes);
  enqueued.store(note.enqueued);
  started.store(note.started);
  finished.store(note.finished);
  set_missing(note.missing.first);
  sequence.store(note.sequence);
}

bool CollectiveRing::Slot::read(CollectiveNote& note) const {
  note.sequence = sequence.load();
  note.group = group.load();
  note.kind = kind.load();
  note.dtype = dtype.load();
  note.carrier = carrier.load();
  note.bytes = bytes.load();
  note.enqueued = enqueued.load();
  note.started = started.load();
  note.finished = finished.load();
  note.missing = missing();
  return note.sequence != 0 && sequence.load() == note.sequence;
}

std::uint64_t CollectiveRing::enqueue(int group, const Call& call, Carrier carrier) {
  CollectiveNote note;
  note.sequence = last_.fetch_add(1) + 1;
  note.group = group;
  note.kind = call.kind;
  note.dtype = call.dtype;
  note.bytes = call.count * static_cast<std::int64_t>(size_of(call.dtype));
  note.enqueued = nanoseconds_now();
  note.carrier = carrier;
  if (carrier == Carrier::Nccl) note.started = note.enqueued;
  slot_of(note.sequence).write(note);
  return note.sequence;
}

void CollectiveRing::start(std::uint64_t sequence) {
  CollectiveNote note;
  Slot& slot = slot_of(sequence);
  // A note that newer ones have pushed out is known by its number only.
  if (!slot.read(note) || note.sequence != sequence) note = {.sequence = sequence};
  note.started = nanoseconds_now();
  missing_since_ = longest_ = 0;
  running_.write(note);
  if (slot.sequence.load() == sequence) slot.started.store(note.started);
}

void CollectiveRing::finish(std::uint64_t sequence) {
  const std::int64_t finished = nanoseconds_now();
  Slot& slot = slot_of(sequence);
  if (slot.sequence.load() == sequence) slot.finished.store(finished);
  running_.finished.store(finished);
}

void CollectiveRing::finish_on_device(std::uint64_t sequence) {
  Slot& slot = slot_of(sequence);
  if (slot.sequence.load() == sequence) slot.finished.store(nanoseconds_now());
}

void CollectiveRing::Slot::set_missing(std::span<const int> missing) {
  const std::size_t kept = std::min(missing.size(), kPeers);
  for (std::size_t i = 0; i < kept; ++i) peers[i].store(missing[i]);
  peer_count.store(static_cast<int>(missing.size()));
}

MissingPeers CollectiveRing::Slot::missing() const {
  MissingPeers missing;
  missing.count = peer_count.load();
  for (std::size_t i = 0; i < std::min<std::size_t>(kPeers, static_cast<std::size_t>(missing.count)); ++i)
    missing.first.push_back(peers[i].load());
  std::sort(missing.first.begin(), missing.first.end());
  return missing;
}

void CollectiveRing::set_missing(std::span<const int> peers) {
  const std::int64_t at = nanoseconds_now();
  if (peers.empty()) {
    if (missing_since_ != 0) longest_ = std::max(longest_, at - missing_since_);
    missing_since_ = 0;
    return;
  }
  if (missing_since_ == 0) missing_since_ = at;
  if (at - missing_since_ < longest_) return;
  running_.set_missing(peers);
  const std::uint64_t sequence = running_.sequence.load();
  if (Slot& slot = slot_of(sequence); slot.sequence.load() == sequence) slot.set_missing(peers);
}

std::vector<CollectiveNote> CollectiveRing::notes() const {
  std::vector<CollectiveNote> found;
  CollectiveNote note;
  for (const Slot& slot : slots_)
    if (slot.read(note)) found.push_back(note);
  const bool runs = running_.read(note) && note.is_running();
  const auto same = [&](const CollectiveNote& other) { return other.sequence == note.sequence; };
  if (runs && std::none_of(found.begin(), found.end(), same)) found.push_back(note);
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
  return found;
}

}  // namespace isobath
