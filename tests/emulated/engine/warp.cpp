// Warp collectives: the lanes named in the mask meet, and the last to come answers all.

#include <algorithm>
#include <bit>

#include "tests/emulated/engine/block.hpp"
#include "tests/emulated/engine/fault.hpp"
#include "tests/emulated/engine/matrices.hpp"

namespace isobath::emulated {
namespace {

bool names(unsigned mask, unsigned lane) { return (mask >> lane & 1U) != 0; }

template <class Body>
void for_each_lane(unsigned mask, Body&& body) {
  for (; mask != 0; mask &= mask - 1) body(static_cast<unsigned>(std::countr_zero(mask)));
}

}  // namespace

void Engine::check_offer(const Offer& offer, Where where) const {
  const auto refuse = [&](const std::string& why) {
    throw Fault("warp collective, " + place(where) + ", lane " + std::to_string(lane()) + ": " + why);
  };
  const unsigned lanes = std::min(kLanes, count_ - running_ / kLanes * kLanes);
  if (!names(offer.mask, lane())) refuse("the caller is not in its own mask");
  if (lanes < kLanes && offer.mask >> lanes != 0)
    refuse("the mask names lanes that the block does not have; it has " + std::to_string(lanes));
  if (offer.op == WarpOp::Shuffle && !names(offer.mask, offer.source))
    refuse("reads from lane " + std::to_string(offer.source) + ", which is not in the mask");
  for_each_lane(offer.mask, [&](unsigned other) {
    if (of_warp(other).state == ThreadState::Returned)
      refuse("lane " + std::to_string(other) + " is in the mask and has returned");
  });
}

bool Engine::all_offered(const Offer& offer, Where where) const {
  bool all = true;
  for_each_lane(offer.mask, [&](unsigned lane_number) {
    const BlockThread& other = of_warp(lane_number);
    if (other.state != ThreadState::AtCollective) {
      all = false;
      return;
    }
    if (other.offer.op == offer.op && other.offer.mask == offer.mask && other.where.line() == where.line()) return;
    if (names(other.offer.mask, lane()))
      throw Fault("lanes of one warp meet at different collectives or with different masks: " + place(other.where) +
                  " and " + place(where));
    all = false;  // that lane waits for others first
  });
  return all;
}

void Engine::multiply_parts(const Offer& offer, Where where) {
  const MatrixParts* parts[kLanes];
  for (unsigned l = 0; l < kLanes; ++l) {
    parts[l] = of_warp(l).offer.parts;
    if (parts[l]->count != offer.parts->count)
      throw Fault("warp collective, " + place(where) + ": lanes bring " + std::to_string(parts[l]->count) + " and " +
                  std::to_string(offer.parts->count) + " right factors");
  }
  multiply(parts);
}

void Engine::answer_all(unsigned mask) {
  std::uint64_t ballot = 0;
  for_each_lane(mask, [&](unsigned l) { ballot |= static_cast<std::uint64_t>(of_warp(l).offer.value != 0) << l; });
  for_each_lane(mask, [&](unsigned l) {
    BlockThread& thread = of_warp(l);
    const bool shuffles = thread.offer.op == WarpOp::Shuffle;
    thread.answer = shuffles ? of_warp(thread.offer.source).offer.value : ballot;
    thread.state = ThreadState::Ready;
  });
  tokens_.warps[running_ / kLanes] = tokens_.fresh();
}

std::uint64_t Engine::meet_warp(const Offer& offer, Where where) {
  check_offer(offer, where);
  BlockThread& self = running();
  self.offer = offer;
  self.where = where;
  self.state = ThreadState::AtCollective;
  char* const token = tokens_.warps[running_ / kLanes];
  // Of the collectives only __syncwarp orders memory (CUDA programming guide, "Warp Shuffle Functions").
  if (offer.op == WarpOp::Sync) publish(token);
  if (all_offered(offer, where)) {
    if (offer.op == WarpOp::Products) multiply_parts(offer, where);
    answer_all(offer.mask);
  } else {
    yield();
  }
  if (offer.op == WarpOp::Sync) observe(token);
  return self.answer;
}

std::uint64_t meet_warp(const Offer& offer, Where where) { return Engine::current().meet_warp(offer, where); }
unsigned lane() { return Engine::current().lane(); }

}  // namespace isobath::emulated
