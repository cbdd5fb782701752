#pragma once
// Sums gradients over the ranks while backward still runs.

#include <cstddef>
#include <deque>
#include <vector>

#include "parallel/communicator.hpp"
#include "parallel/event_ring.hpp"
#include "parallel/flat_parameters.hpp"
#include "parallel/flat_shard.hpp"

namespace isobath {

/// Whether more backward passes of the same step follow.
enum class MicroBatch { More, Last };

/// A bucket leaves as soon as the last contribution of the last micro-batch to each of its parameters is made and all
/// earlier buckets have left: the order is that of the layout on every rank, even where a rank used only some of the
/// parameters. With sharded gradient storage it leaves in every micro-batch, and the sums add up in the shard. One rank
/// alone communicates and copies nothing.
///
///     begin_step(); for each micro-batch { begin_micro_batch(...); forward; one backward; } finish();
class GradientReducer {
 public:
  struct Settings {
    DType wire = DType::F32;  ///< in which gradients travel: f32 or bf16
  };

  /// All references outlive it (and `events`, if given). A divided `shard` receives sums for its own slices only.
  GradientReducer(FlatParameters& parameters, const FlatShard& shard, Communicator& ranks, Settings settings,
                  EventRing* events = nullptr);
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
  /// After finish(): the sums of a segment of the shard, f32.
  Tensor sums(const ShardSegment& segment) const;

 private:
  enum class Phase { Idle, Collecting, LastMicroBatch };
  /// A bucket on its way.
  struct Reduction {
    std::size_t bucket;
    Tensor whole;  // what is sent
    Tensor sum;    // where the sum arrives: `whole`, or this rank's slice of it
    Accumulate mode;
    Collective collective;
  };

  bool is_sharded() const { return parameters_.gradient_storage() == GradientStorage::Sharded; }
  bool reduces_now() const { return phase_ == Phase::LastMicroBatch || is_sharded(); }
  void expect_all_buckets();
  void parameter_completed(std::size_t piece);
  void issue_next_bucket();
  void issue_remaining_buckets();
  Reduction start(std::size_t bucket);
  void receive_oldest();
  void deliver(const Reduction& done);
  Tensor destination(std::size_t bucket);

  FlatParameters& parameters_;
  const FlatShard& shard_;
  Communicator& ranks_;
  Settings settings_;
  EventRing* events_;
  Phase phase_ = Phase::Idle;
  int micro_batches_ = 0;             // of this step, the running one included
  std::size_t issued_ = 0;            // buckets of this micro-batch that have left
  std::vector<bool> completed_;       // by piece, in this micro-batch
  std::vector<std::size_t> waiting_;  // by bucket: pieces that are not complete
  std::deque<Reduction> reductions_;  // on their way, in order
};

}  // namespace isobath
