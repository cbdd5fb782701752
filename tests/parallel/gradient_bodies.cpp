// Gradients summed over ranks while backward runs. The ops are toys whose gradients are known in closed form, so that
// nothing but the reducer is tested.

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <thread>

#include "ops/autograd/tape.hpp"
#include "ops/core/host_waits.hpp"
#include "parallel/gradient_reducer.hpp"
#include "support/ranked/bodies.hpp"

namespace isobath {
namespace {

using std::chrono::milliseconds;

// out = x + scale * sum(parameter): the gradient of every element of `parameter` is `scale`. Backward takes at least
// `busy`. x: [1], absent for the first op of a chain.
Tensor use(const Tensor& x, const Parameter& parameter, float scale, milliseconds busy = milliseconds(0)) {
  Tensor out = Tensor::zeros({1}, DType::F32);
  record("use", {&x, &parameter.value}, out,
         [=, shape = parameter.shape](const Tensor& grad_out, const InputGrads& inputs) {
           std::this_thread::sleep_for(busy);
           const std::vector<float> ones(static_cast<std::size_t>(shape.count()), scale * grad_out.view<float>()[0]);
           inputs.add(1, Tensor::from(shape, ones));
           if (inputs.wants(0)) inputs.add(0, Tensor::from({1}, std::vector<float>{grad_out.view<float>()[0]}));
         });
  return out;
}

Parameter parameter(const std::string& name, std::int64_t count, ParameterGroup group = ParameterGroup::Main) {
  return {name, {count}, {}, WeightDecay::Yes, group, {}, {}};
}

// Four parameters of different lengths, the last in another group, one bucket each.
struct Model {
  Parameter a = parameter("a", 1000), b = parameter("b", 17), c = parameter("c", 5000),
            d = parameter("d", 33, ParameterGroup::Predictor);
  FlatParameters flat;
  FlatShard everything;
  explicit Model(int ranks, GradientStorage storage = GradientStorage::Whole)
      : flat({&a, &b, &c, &d}, {64, ranks}, Device::cpu(), {storage}), everything(flat.layout(), 0, 1) {}

  void expect(const Parameter& what, float gradient) const {
    const auto values = what.gradient.to_vector<float>();
    EXPECT_TRUE(values == std::vector<float>(values.size(), gradient))
        << what.name << ": " << values[0] << " instead of " << gradient;
  }
  void expect_padding_is_zero() const {
    const auto all = flat.gradients().to_vector<float>();
    std::vector<bool> used(all.size(), false);
    for (const FlatPiece& piece : flat.layout().pieces())
      std::fill(used.begin() + piece.range.begin, used.begin() + piece.range.end, true);
    for (std::size_t i = 0; i < all.size(); ++i) ASSERT_TRUE(used[i] || all[i] == 0.0F) << "element " << i;
  }
};

// 1 + 2 + ... + size.
float sum_of_numbers(const Communicator& ranks) { return static_cast<float>(ranks.size() * (ranks.size() + 1)) / 2; }

RANKED_TEST(GradientReducer, sums_contributions_of_all_ranks_and_micro_batches) {
  Model model(ranks.size());
  GradientReducer reducer(model.flat, model.everything, ranks, {});
  const auto mine = static_cast<float>(ranks.rank() + 1);
  for (int step = 1; step <= 3; ++step) {  // what one step leaves must not reach the next
    reducer.begin_step();
    for (const MicroBatch which : {MicroBatch::More, MicroBatch::Last}) {
      reducer.begin_micro_batch(which);
      const float weight = which == MicroBatch::More ? 10.0F : 1.0F;
      Tensor h = use({}, model.a, mine * weight);
      h = use(h, model.b, 2 * mine * weight);
      h = use(h, model.c, 3 * mine * weight);
      h = use(h, model.d, 4 * mine * weight * static_cast<float>(step));
      backward(use(h, model.a, mine * weight));  // tied: a is used first and last
    }
    reducer.finish();
    model.expect(model.a, 2 * 11 * sum_of_numbers(ranks));
    model.expect(model.b, 2 * 11 * sum_of_numbers(ranks));
    model.expect(model.c, 3 * 11 * sum_of_numbers(ranks));
    model.expect(model.d, 4 * 11 * sum_of_numbers(ranks) * static_cast<float>(step));
    model.expect_padding_is_zero();
  }
}

RANKED_TEST(GradientReducer, joins_every_reduction_where_ranks_use_different_parameters_in_different_order) {
  Model model(ranks.size());
  GradientReducer reducer(model.flat, model.everything, ranks, {});
  const bool first = ranks.rank() == 0;
  reducer.begin_step();
  reducer.begin_micro_batch(MicroBatch::More);
  Tensor h = use({}, model.b, 1.0F);
  backward(first ? use(h, model.a, 5.0F) : h);  // a: on rank 0 alone, and not in the last micro-batch
  reducer.begin_micro_batch(MicroBatch::Last);
  h = use({}, first ? model.b : model.c, 1.0F);
  h = use(h, first ? model.c : model.b, 1.0F);  // d: nowhere
  backward(h);
  reducer.finish();
  model.expect(model.a, 5.0F);
  model.expect(model.b, static_cast<float>(2 * ranks.size()));
  model.expect(model.c, static_cast<float>(ranks.size()));
  model.expect(model.d, 0.0F);
}

RANKED_TEST(GradientReducer, zeroes_what_a_step_did_not_use_although_the_last_one_did) {
  Model model(ranks.size());
  GradientReducer reducer(model.flat, model.everything, ranks, {});
  for (const bool uses_c : {true, false}) {
    reducer.begin_step();
    reducer.begin_micro_batch(MicroBatch::Last);
    Tensor h = use({}, model.a, 1.0F);
    if (uses_c) h = use(h, model.c, 1.0F);
    const Tensor dead_end = use(h, model.b, 1.0F);  // recorded, but the loss does not depend on it
    backward(h);
    reducer.finish();
    model.expect(model.a, static_cast<float>(ranks.size()));
    model.expect(model.b, 0.0F);
    model.expect(model.c, uses_c ? static_cast<float>(ranks.size()) : 0.0F);
  }
}

// What ranks own between them, as one list of all elements; every element has one owner.
void expect_sums_in_shards(Communicator& ranks, const GradientReducer::Settings& settings, GradientStorage storage) {
  Model model(ranks.size(), storage);
  const FlatShard mine(model.flat.layout(), ranks.rank(), ranks.size());
  GradientReducer reducer(model.flat, mine, ranks, settings);
  const auto own = static_cast<float>(ranks.rank() + 1);
  for (int step = 1; step <= 2; ++step) {
    reducer.begin_step();
    for (const MicroBatch which : {MicroBatch::More, MicroBatch::More, MicroBatch::Last}) {
      reducer.begin_micro_batch(which);
      Tensor h = use({}, model.a, own);
      if (which == MicroBatch::Last) h = use(h, model.b, 2 * own);
      h = use(h, model.d, 4 * own * static_cast<float>(step));  // c: nowhere
      backward(use(h, model.a, own));                           // tied: a is used first and last
    }
    reducer.finish();
    const float sum = sum_of_numbers(ranks);
    std::map<std::size_t, float> expected{
        {0, 6 * sum}, {1, 2 * sum}, {2, 0.0F}, {3, 12 * sum * static_cast<float>(step)}};
    for (const ShardSegment& segment : mine.segments()) {
      const auto values = reducer.sums(segment).to_vector<float>();
      std::vector<float> wanted(values.size(), 0.0F);  // padding stays zero
      for (const FlatPiece& piece : model.flat.layout().pieces())
        for (std::int64_t i = std::max(piece.range.begin, segment.flat.begin);
             i < std::min(piece.range.end, segment.flat.end); ++i)
          wanted[static_cast<std::size_t>(i - segment.flat.begin)] = expected[piece.item];
      EXPECT_TRUE(values == wanted) << "bucket " << segment.bucket << " in step " << step;
    }
  }
}

// All numbers are small integers, exact in bf16 too.
RANKED_TEST(GradientReducer, leaves_each_rank_the_sums_of_its_shard) {
  if (ranks.size() == 1) return;  // one rank's shard is everything
  for (const DType wire : {DType::F32, DType::BF16}) {
    expect_sums_in_shards(ranks, {wire}, GradientStorage::Whole);
    expect_sums_in_shards(ranks, {wire}, GradientStorage::Sharded);
  }
}

RANKED_TEST(GradientReducer, sums_bf16_in_f32_and_rounds_once) {
  Model model(ranks.size());
  GradientReducer reducer(model.flat, model.everything, ranks, {DType::BF16});
  reducer.begin_step();
  reducer.begin_micro_batch(MicroBatch::Last);
  // 1 + 2^-8 lies half way between two neighbours of bf16; each rank's part rounds to 1 (ties to even) before it is
  // sent.
  backward(use({}, model.a, 1.0F + 0x1p-8F));
  reducer.finish();
  const float alone = 1.0F + 0x1p-8F;
  model.expect(model.a, ranks.size() == 1 ? alone : static_cast<float>(ranks.size()));
}

RANKED_TEST(GradientReducer, holds_few_buckets_at_once_when_gradients_are_sharded) {
  if (ranks.size() == 1) return;
  std::vector<Parameter> layers;
  for (int i = 0; i < 16; ++i) layers.push_back(parameter(text("layer", i), 64'000));
  std::vector<Parameter*> in_order;
  for (Parameter& layer : layers) in_order.push_back(&layer);
  FlatParameters flat(in_order, {256'000, ranks.size()}, Device::cpu(), {GradientStorage::Sharded});
  const FlatShard mine(flat.layout(), ranks.rank(), ranks.size());
  GradientReducer reducer(flat, mine, ranks, {});
  const std::int64_t held = allocator_stats(DeviceKind::Cpu).bytes_in_use;
  reset_allocator_peak(DeviceKind::Cpu);
  reducer.begin_step();
  reducer.begin_micro_batch(MicroBatch::Last);
  Tensor h;
  for (const Parameter& layer : layers) h = use(h, layer, 1.0F);
  backward(h);
  reducer.finish();
  // One that fills, two on their way, one that is being added up, and the toy's own contribution to it.
  EXPECT_LE(allocator_stats(DeviceKind::Cpu).bytes_peak - held, 5 * 260'000);
}

RANKED_TEST(GradientReducer, never_makes_the_host_wait) {
  Model model(ranks.size());
  GradientReducer reducer(model.flat, model.everything, ranks, {});
  const std::int64_t before = host_waits();
  reducer.begin_step();
  reducer.begin_micro_batch(MicroBatch::Last);
  backward(use({}, model.a, 1.0F));
  reducer.finish();
  EXPECT_EQ(host_waits(), before);
}

RANKED_TEST(GradientReducer, refuses_calls_out_of_order) {
  Model model(ranks.size());
  GradientReducer reducer(model.flat, model.everything, ranks, {});
  EXPECT_THROW(reducer.begin_micro_batch(MicroBatch::Last), InternalError);
  reducer.begin_step();
  EXPECT_THROW(reducer.finish(), InternalError);
  reducer.begin_micro_batch(MicroBatch::Last);
  EXPECT_THROW(reducer.begin_micro_batch(MicroBatch::More), InternalError);
  // A second backward pass could add to a gradient that is on its way; a's bucket is not, because c's comes first.
  backward(use({}, model.a, 1.0F));
  EXPECT_THROW(backward(use({}, model.a, 1.0F)), InternalError);
  clear_tape();
}

std::vector<Event> of_kind(const std::vector<Event>& events, EventKind kind) {
  std::vector<Event> found;
  std::copy_if(events.begin(), events.end(), std::back_inserter(found), [&](const Event& e) { return e.kind == kind; });
  return found;
}

RANKED_TEST(GradientReducer, forgets_a_step_whose_backward_never_ran) {
  Model model(ranks.size());
  EventRing ring(64);
  GradientReducer reducer(model.flat, model.everything, ranks, {}, &ring);
  reducer.begin_step();
  reducer.begin_micro_batch(MicroBatch::Last);
  use({}, model.a, 5.0F);
  clear_tape();  // as after an exception in the forward pass
  reducer.begin_step();
  reducer.begin_micro_batch(MicroBatch::Last);
  backward(use({}, model.a, 1.0F));
  EXPECT_EQ(of_kind(ring.events(), EventKind::BucketReady).size(), 1u);  // the old use is not waited for
  reducer.finish();
  model.expect(model.a, static_cast<float>(ranks.size()));
}

// Events of one step over eight layers, two to a bucket, whose backward ops take at least `busy` each.
std::vector<Event> events_of_step(Communicator& ranks, milliseconds busy) {
  std::vector<Parameter> layers;
  for (int i = 0; i < 8; ++i) layers.push_back(parameter(text("layer", i), 50'000));
  std::vector<Parameter*> in_order;
  for (Parameter& layer : layers) in_order.push_back(&layer);
  FlatParameters flat(in_order, {400'000, ranks.size()});
  EventRing ring(256);
  const FlatShard everything(flat.layout(), 0, 1);
  GradientReducer reducer(flat, everything, ranks, {}, &ring);
  const RecordBackward recording(ring);
  ranks.barrier();
  reducer.begin_step();
  reducer.begin_micro_batch(MicroBatch::Last);
  Tensor h;
  for (const Parameter& layer : layers) h = use(h, layer, 1.0F, busy);
  backward(h);
  reducer.finish();
  std::size_t wrong = 0;
  for (const float value : flat.gradients().to_vector<float>())
    wrong += value != static_cast<float>(ranks.size()) && value != 0.0F;
  EXPECT_EQ(wrong, 0u);
  return ring.events();
}

RANKED_TEST(GradientReducer, records_each_bucket_once_and_in_order) {
  const auto events = events_of_step(ranks, milliseconds(0));
  const auto ops = of_kind(events, EventKind::BackwardOp), ready = of_kind(events, EventKind::BucketReady),
             started = of_kind(events, EventKind::ReduceStarted), finished = of_kind(events, EventKind::ReduceFinished);
  ASSERT_EQ(ops.size(), 8u);
  ASSERT_EQ(ready.size(), 4u);
  EXPECT_LT(ops[0].time, ready[0].time);
  EXPECT_LT(ready[0].time, ops[2].time);
  ASSERT_EQ(started.size(), ranks.size() == 1 ? 0u : 4u);
  ASSERT_EQ(finished.size(), started.size());
  for (std::size_t bucket = 0; bucket < started.size(); ++bucket) {
    EXPECT_EQ(started[bucket].index, static_cast<std::int64_t>(bucket));
    EXPECT_LE(ready[bucket].time, started[bucket].time);
    EXPECT_LE(started[bucket].time, finished[bucket].time);
  }
}

// The first bucket is complete after two of eight ops; the communication thread then has the time of six to be done
// with it. Where many programs share a core that may take seconds, so a slower backward gets another try. A reducer
// that waits for the end of backward fails at any speed.
RANKED_TEST(GradientReducer, is_done_with_the_first_bucket_before_backward_ends) {
  if (ranks.size() == 1) return;  // nothing is reduced
  std::int32_t overlaps = 0;
  for (const int busy : {10, 100, 1000}) {
    const auto events = events_of_step(ranks, milliseconds(busy));
    const std::int64_t end = of_kind(events, EventKind::BackwardOp).back().time;
    const auto started = of_kind(events, EventKind::ReduceStarted),
               finished = of_kind(events, EventKind::ReduceFinished);
    overlaps = started.at(0).time < end && finished.at(0).time < end;
    ranks.all_reduce({&overlaps, 1, DType::I32}, Reduce::Min).wait();
    if (overlaps == 1) break;
  }
  EXPECT_EQ(overlaps, 1);
}

}  // namespace
}  // namespace isobath
