#pragma once
// Sums gradients over the ranks while backward still runs.

#include <cstddef>
#include <vector>

#include "parallel/communicator.hpp"
#include "parallel/event_ring.hpp"
#include "parallel/flat_parameters.hpp"

namespace isobath {

/// Whether more backward passes of the same step follow.
enum class MicroBatch { More, Last };

/// A bucket leaves as soon as the last contribution of the last micro-batch to each of its parameters is made and all
/// earlier buckets have left: the order is that of the layout on every rank, even where a rank used only some of the
/// parameters. One rank alone communicates and copies nothing.
///
///     begin_step(); for each micro-batch { begin_micro_batch(...); forward; one backward; } finish();
class GradientReducer {
 public:
  /// `parameters` and `ranks` (and `events`, if given) outlive it.
  GradientReducer(FlatParameters& parameters, Communicator& ranks, EventRing* events = nullptr);
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /// The first contribution to each gradient overwrites what the last step left. Also ends a step that an exception cut
  /// short; the caller then makes sure that every rank was cut short before the same bucket.
  void begin_step();
  void begin_micro_batch(MicroBatch which);
  /// Zeroes the gradients that nothing contributed to, lets the remaining buckets leave and orders the sums before what
  /// the queue does next. Not a host wait. Throws PeerError if the group failed.
  void finish();

 private:
  enum class Phase { Idle, Collecting, LastMicroBatch };

  void parameter_completed(std::size_t piece);
  void issue_next_bucket();

  FlatParameters& parameters_;
  Communicator& ranks_;
  EventRing* events_;
  Phase phase_ = Phase::Idle;
  std::vector<bool> completed_;         // by piece, in the last micro-batch
  std::vector<std::size_t> waiting_;    // by bucket: pieces that are not complete
  std::vector<Collective> reductions_;  // of the buckets that have left, in order
};

}  // namespace isobath
