#include "data/batches/batch.hpp"

#include <numeric>

#include "data/files/fingerprint.hpp"

namespace isobath {
namespace {

/// 32 bits, so that the sum over two million samples is exact in f64.
std::int64_t digest_of_sample(std::int64_t id, std::span<const std::int32_t> tokens) {
  const Fingerprint whole = Hasher().update(static_cast<std::uint64_t>(id)).update(std::as_bytes(tokens)).finish();
  std::int64_t digest = 0;
  for (std::size_t i = 0; i < 4; ++i) digest = digest << 8 | whole.bytes[i];
  return digest;
}

}  // namespace

std::int64_t Batch::valid() const {
  return std::accumulate(valid_targets.begin(), valid_targets.end(), std::int64_t{0});
}

std::int64_t Batch::digest() const { return std::accumulate(digests.begin(), digests.end(), std::int64_t{0}); }

Batch Batch::slice(IndexRange range) const {
  require(range.begin >= 0 && range.begin <= range.end && range.end <= size(), "samples [", range.begin, ", ",
          range.end, ") of a batch of ", size());
  const Shape rows{range.size() * context};
  return {inputs.slice(range.begin * context, rows),
          targets.slice(range.begin * context, rows),
          samples.slice(range.begin, Shape{range.size()}),
          {sample_ids.begin() + range.begin, sample_ids.begin() + range.end},
          {valid_targets.begin() + range.begin, valid_targets.begin() + range.end},
          context,
          {digests.begin() + range.begin, digests.begin() + range.end}};
}

std::vector<Batch> Batch::split(std::int64_t parts) const {
  std::vector<Batch> out;
  for (std::int64_t part = 0; part < parts; ++part) out.push_back(slice(share_of(size(), {part, parts})));
  return out;
}

void HostBatch::add(const TokenStream& stream, std::int64_t id, std::int64_t begin, std::int64_t scored) {
  require(scored >= 1 && scored <= context, scored, " targets in a window of ", context);
  std::vector<std::int32_t> window(static_cast<std::size_t>(scored) + 1);
  stream.copy(begin, window);
  const std::size_t padding = static_cast<std::size_t>(context - scored);
  inputs.insert(inputs.end(), window.begin(), window.end() - 1);
  inputs.insert(inputs.end(), padding, 0);
  targets.insert(targets.end(), window.begin() + 1, window.end());
  targets.insert(targets.end(), padding, kNoTarget);
  samples.push_back(id);
  valid_targets.push_back(scored);
  digests.push_back(digest_of_sample(id, window));
}

Batch HostBatch::to(Device device) const {
  const auto count = static_cast<std::int64_t>(samples.size());
  return {Tensor::from(Shape{count * context}, inputs, device),
          Tensor::from(Shape{count * context}, targets, device),
          Tensor::from(Shape{count}, samples, device),
          samples,
          valid_targets,
          context,
          digests};
}

}  // namespace isobath
