#include "parallel/event_ring.hpp"

#include <algorithm>

#include "ops/autograd/tape.hpp"

namespace isobath {

const char* name_of(EventKind kind) {
  constexpr const char* names[] = {"backward op", "bucket ready", "reduce started", "reduce finished", "wait"};
  return names[static_cast<std::size_t>(kind)];
}

EventRing::EventRing(std::size_t capacity) : events_(capacity) { require(capacity > 0, "an event ring without room"); }

void EventRing::record(const Event& event) { events_[recorded_++ % events_.size()] = event; }

std::vector<Event> EventRing::events() const {
  std::vector<Event> kept;
  for (std::size_t i = recorded_ - std::min(recorded_, events_.size()); i < recorded_; ++i)
    kept.push_back(events_[i % events_.size()]);
  std::stable_sort(kept.begin(), kept.end(), [](const Event& a, const Event& b) { return a.time < b.time; });
  return kept;
}

RecordBackward::RecordBackward(EventRing& ring) {
  set_tape_observer([&ring](const char* name) { ring.record(EventKind::BackwardOp, name); });
}

RecordBackward::~RecordBackward() { set_tape_observer({}); }

}  // namespace isobath
