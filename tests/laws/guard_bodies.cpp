// Ranks whose weights differ are named, bit by bit.

#include <bit>

#include "laws/small_run.hpp"
#include "parallel/agreement.hpp"
#include "support/ranked/bodies.hpp"
#include "trainer/guard/replicas.hpp"

namespace isobath::test {
namespace {

RANKED_TEST(Guard, names_the_rank_whose_weights_differ) {
  const RunConfig config = small_config(DepthPolicy::Dense);
  const Replica replica(config, Device::cpu(), ranks.size());
  const Tensor& weights = replica.parameters.values();
  EXPECT_NO_THROW(compare_replicas(weights, 1, ranks));
  if (ranks.size() < 2) return;
  const int odd = ranks.size() - 1;
  if (ranks.rank() == odd) {
    std::vector<float> values = weights.to_vector<float>();
    auto bits = std::bit_cast<std::uint32_t>(values[1000]);
    values[1000] = std::bit_cast<float>(bits ^ 1U);  // as memory loses one
    replica.parameters.values().copy_from(Tensor::from(weights.shape(), values));
  }
  try {
    compare_replicas(weights, 2, ranks);
    ADD_FAILURE() << "not noticed on rank " << ranks.rank();
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::PeerLost);
    EXPECT_EQ(error.rank(), odd);
    EXPECT_NE(std::string(error.what()).find(text("after step 2 the weights of rank ", odd)), std::string::npos)
        << error.what();
  }
}

RANKED_TEST(Guard, a_spike_leaves_the_weights_alone_on_every_rank) {
  const RunConfig config = small_config(DepthPolicy::Dense);
  Replica replica(config, Device::cpu(), ranks.size());
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
