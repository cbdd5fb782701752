#pragma once
// Which tokens train and which validate.

#include <cstdint>
#include <memory>
#include <vector>

#include "data/tokens/token_stream.hpp"

namespace isobath {

/// Positions [begin, end) of a stream; no window crosses its borders.
struct Segment {
  std::int64_t begin = 0, end = 0;

  std::int64_t size() const { return end - begin; }
  bool operator==(const Segment&) const = default;
};

/// A source among several: the next `segments` of a split, and how many of the samples come from them.
struct MixtureShare {
  std::size_t segments = 0;
  std::int64_t weight = 1;  ///< see Mixture

  bool operator==(const MixtureShare&) const = default;
};

/// The tokens of one purpose: segments, ascending and disjoint, of a stream.
struct TokenSplit {
  std::shared_ptr<const TokenStream> stream;
  std::vector<Segment> segments;
  std::vector<MixtureShare> mixture = {};  ///< empty: one source

  std::int64_t tokens() const;
  /// Every token of `stream`.
  static TokenSplit whole(std::shared_ptr<const TokenStream> stream);
};

/// Blocks of `block` tokens, the last one shorter, of which a `fraction` validates: block j does when the running sum
/// of (j + 1) * fraction passes a whole number, so that for fraction 1/n it is every n-th. Deterministic; `fraction` is
/// taken in billionths.
struct SplitRule {
  double fraction = 0.0;         ///< in [0, 1); 0: no validation
  std::int64_t block = 1 << 16;  ///< tokens

  bool operator==(const SplitRule&) const = default;
};

struct InterleavedSegments {
  std::vector<Segment> train, validation;  ///< neighbouring blocks of one purpose are one segment
};

/// Throws DataError when the rule asks for validation and no block of `tokens` tokens becomes one.
InterleavedSegments interleave(std::int64_t tokens, SplitRule rule);

}  // namespace isobath
