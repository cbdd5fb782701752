// Ranks that do not hold the same are named, bit by bit.

#include <bit>

#include "laws/small_run.hpp"
#include "parallel/agreement.hpp"
#include "support/ranked/bodies.hpp"
#include "trainer/guard/replicas.hpp"

namespace isobath::test {
namespace {

/// The tensor with one bit turned, as memory loses one.
void turn_a_bit(const Tensor& tensor) {
  std::vector<float> values = tensor.to_vector<float>();
  values[1000] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(values[1000]) ^ 1U);
  tensor.copy_from(Tensor::from(tensor.shape(), values));
}

RANKED_TEST(Guard, names_the_rank_and_the_part_that_differ) {
  const RunConfig config = small_config(DepthPolicy::Dense);
  const Replica replica(config, device(), ranks.size());
  const Tensor weights = replica.parameters.values(), moments = Tensor::zeros({4000}, DType::F32, device());
  const auto parts = [&] {
    return std::vector<Replicated>{{"weights", hash_of(weights)}, {"second moments", hash_of(moments)}};
  };
  EXPECT_NO_THROW(compare_replicas(parts(), 1, ranks));
  if (ranks.size() < 2) return;
  const int odd = ranks.size() - 1;
  // The moments first: they are named while the weights are still equal.
  for (const auto& [what, tensor] : {std::pair<std::string, Tensor>{"second moments", moments}, {"weights", weights}}) {
    if (ranks.rank() == odd) turn_a_bit(tensor);
    try {
      compare_replicas(parts(), 2, ranks);
      ADD_FAILURE() << "not noticed on rank " << ranks.rank();
    } catch (const AgreedError& error) {
      EXPECT_EQ(error.code(), ExitCode::PeerLost);
      EXPECT_EQ(error.rank(), odd);
      EXPECT_NE(std::string(error.what()).find(text("after step 2 the ", what, " of rank ", odd)), std::string::npos)
          << error.what();
    }
  }
}

RANKED_TEST(Guard, a_spike_leaves_the_weights_alone_on_every_rank) {
  const RunConfig config = small_config(DepthPolicy::Dense);
  Replica replica(config, device(), ranks.size());
  Trainer trainer(config, replica, ranks);
  const IndexRange mine = share_of(config.train.batch, {ranks.rank(), ranks.size()});
  EXPECT_FALSE(trainer.step(small_batch(config, 0, mine)).is_skipped);
  const std::vector<float> before = replica.parameters.values().to_vector<float>();
  const StepReport spike = trainer.step(small_batch(config, 1, mine), {}, 0.5);
  EXPECT_GT(spike.loss, 0.5);
  EXPECT_TRUE(spike.is_skipped);
  EXPECT_EQ(spike.step, 2) << "a skipped step counts: data and schedule go on";
  EXPECT_EQ(replica.parameters.values().to_vector<float>(), before);
  EXPECT_FALSE(trainer.step(small_batch(config, 2, mine), {}, 100.0).is_skipped);
  EXPECT_NE(replica.parameters.values().to_vector<float>(), before);
}

}  // namespace
}  // namespace isobath::test
