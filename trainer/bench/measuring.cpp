#include "trainer/bench/measuring.hpp"

#include <algorithm>
#include <chrono>

#include "ops/core/device_memory.hpp"
#include "ops/core/random.hpp"

namespace isobath {

double seconds_of(const std::function<void()>& work) {
  const auto begun = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

double seconds_of_slowest(Communicator& ranks, const std::function<void()>& work) {
  ranks.barrier();
  std::vector<double> seconds{seconds_of(work)};
  ranks.all_reduce(MutableBuffer::of(seconds), Reduce::Max).wait();
  return seconds[0];
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

void wait_for(Device device) {
  if (device.is_cuda()) cuda_wait(device);
}

Batch random_batch(const ModelConfig& model, std::int64_t batch, const Communicator& ranks, Device device) {
  const IndexRange mine = share_of(batch, {ranks.rank(), ranks.size()});
  const auto key = RandomKey{1, Purpose::Test, 0, 0}.words();
  HostBatch host;
  host.context = model.context;
  for (std::int64_t sample = mine.begin; sample < mine.end; ++sample) {
    for (std::int64_t t = 0; t < model.context; ++t) {
      const auto words = draw4(key, static_cast<std::uint64_t>(sample), static_cast<std::uint64_t>(t), 0);
      host.inputs.push_back(static_cast<std::int32_t>(words[0] % static_cast<std::uint32_t>(model.vocabulary)));
      host.targets.push_back(static_cast<std::int32_t>(words[1] % static_cast<std::uint32_t>(model.vocabulary)));
    }
    host.samples.push_back(sample);
    host.valid_targets.push_back(model.context);
    host.digests.push_back(sample);
  }
  return host.to(device);
}

}  // namespace isobath
