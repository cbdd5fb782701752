#pragma once
// What a step of training or validation consumes.   B samples, T tokens of context

#include <cstdint>
#include <vector>

#include "data/shard_spec.hpp"
#include "data/tokens/token_stream.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// The target of a row that is not scored; equals kIgnoredTarget of ops/cross_entropy, which data may not include.
inline constexpr std::int32_t kNoTarget = -1;

/// Sample i fills rows i T .. (i + 1) T - 1.
struct Batch {
  Tensor inputs;   ///< i32 [B * T]
  Tensor targets;  ///< i32 [B * T]: the token after each input; kNoTarget: not scored
  Tensor samples;  ///< i64 [B]: global sample index (training) or window (validation); on the same device
  std::vector<std::int64_t> sample_ids;     ///< `samples` on the host
  std::vector<std::int64_t> valid_targets;  ///< [B], on the host: targets of each sample that are scored
  std::int64_t context = 0;                 ///< T
  std::vector<std::int64_t> digests;        ///< [B], on the host: 32 bits of each sample's index and tokens

  /// B.
  std::int64_t size() const { return static_cast<std::int64_t>(sample_ids.size()); }
  /// Targets that are scored, over all samples.
  std::int64_t valid() const;
  /// Sum of `digests`: over all ranks the same for the same samples, however they are divided.
  std::int64_t digest() const;
  /// Samples [begin, end) as handles on the same storage.
  Batch slice(IndexRange range) const;
  /// `parts` micro batches in order, as even as share_of makes them; none is empty when parts <= B.
  std::vector<Batch> split(std::int64_t parts) const;
};

/// A batch in host memory, as the loader's thread makes it. Tensors are made by the thread that uses them: the caching
/// allocator gives a block back to the thread that frees it.
struct HostBatch {
  std::vector<std::int32_t> inputs, targets;
  std::vector<std::int64_t> samples, valid_targets, digests;
  std::int64_t context = 0;

  /// Adds sample `id`: inputs from position `begin` on, of which the first `scored` <= T have the next token as target.
  /// What lies behind them is padding: input 0, kNoTarget. Throws DataError for a token outside the vocabulary.
  void add(const TokenStream& stream, std::int64_t id, std::int64_t begin, std::int64_t scored);
  /// Copies to `device`.
  Batch to(Device device) const;
};

}  // namespace isobath
