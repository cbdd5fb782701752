#pragma once
// What the benchmarks share: a clock, the median, and a batch that means nothing.

#include <functional>
#include <vector>

#include "configs/schema/run_config.hpp"
#include "data/batches/loader.hpp"
#include "parallel/communicator.hpp"

namespace isobath {

/// Wall clock, by this rank.
double seconds_of(const std::function<void()>& work);
/// Wall clock of the slowest rank; all begin together. Collective; what `work` throws it throws on
/// every rank.
double seconds_of_slowest(Communicator& ranks, const std::function<void()>& work);

/// Of at least one value; of an even count the mean of the two in the middle.
double median(std::vector<double> values);

/// Returns when `device` has done what this thread queued there; at once for the CPU.
void wait_for(Device device);

/// A rank's share of a batch of random tokens: time does not depend on them.
Batch random_batch(const ModelConfig& model, std::int64_t batch, const Communicator& ranks,
                   Device device = Device::cpu());

}  // namespace isobath
