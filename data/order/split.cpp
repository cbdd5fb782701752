#include "data/order/split.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ops/core/error.hpp"

namespace isobath {
namespace {

constexpr std::int64_t kWhole = 1'000'000'000;

void append(std::vector<Segment>& segments, Segment block) {
  if (!segments.empty() && segments.back().end == block.begin)
    segments.back().end = block.end;
  else
    segments.push_back(block);
}

}  // namespace

std::int64_t TokenSplit::tokens() const {
  std::int64_t sum = 0;
  for (const Segment& segment : segments) sum += segment.size();
  return sum;
}

TokenSplit TokenSplit::whole(std::shared_ptr<const TokenStream> stream) {
  const Segment all{0, stream->size()};
  return {std::move(stream), {all}};
}

InterleavedSegments interleave(std::int64_t tokens, SplitRule rule) {
  require(tokens > 0 && rule.block > 0 && rule.fraction >= 0.0 && rule.fraction < 1.0, "split of ", tokens,
          " tokens, fraction ", rule.fraction, ", block ", rule.block);
  const auto part = static_cast<std::int64_t>(std::llround(rule.fraction * static_cast<double>(kWhole)));
  if (part == 0) return {{{0, tokens}}, {}};
  InterleavedSegments out;
  std::int64_t sum = 0;
  for (std::int64_t begin = 0; begin < tokens; begin += rule.block) {
    sum += part;
    const Segment block{begin, std::min(tokens, begin + rule.block)};
    append(sum >= kWhole ? out.validation : out.train, block);
    if (sum >= kWhole) sum -= kWhole;
  }
  if (out.validation.empty()) {
    const std::int64_t wanted = (kWhole + part - 1) / part;
    throw DataError(text("no validation data: ", tokens, " tokens make ", (tokens + rule.block - 1) / rule.block,
                         " blocks of ", rule.block, ", and data.validation_fraction ", rule.fraction, " takes one of ",
                         wanted, "; set data.validation_block to at most ", std::max<std::int64_t>(1, tokens / wanted),
                         ", or data.validation_fraction to 0"));
  }
  return out;
}

}  // namespace isobath
