#include "data/order/window_index.hpp"

#include <algorithm>

#include "ops/core/error.hpp"

namespace isobath {

WindowIndex::WindowIndex(const std::vector<Segment>& segments, std::int64_t context)
    : context_(context), first_windows_{0} {
  require(context >= 1, "a context of ", context, " tokens");
  std::int64_t tokens = 0, longest = 0;
  for (const Segment& segment : segments) {
    tokens += segment.size();
    longest = std::max(longest, segment.size());
    if (segment.size() < context + 1) continue;
    segments_.push_back(segment);
    first_windows_.push_back(first_windows_.back() + std::max<std::int64_t>(1, (segment.size() - context) / context));
  }
  if (count() == 0)
    throw DataError(text("the context is longer than the data: a window needs ", context,
                         " + 1 tokens, the longest of ", segments.size(), " segments (", tokens, " tokens in all) has ",
                         longest, "; use more data, a context of at most ", std::max<std::int64_t>(0, longest - 1),
                         ", or a larger data.validation_block"));
}

std::int64_t WindowIndex::begin(std::int64_t window, std::uint64_t shift) const {
  require(window >= 0 && window < count(), "window ", window, " of ", count());
  const auto next = std::upper_bound(first_windows_.begin(), first_windows_.end(), window);
  const auto index = static_cast<std::size_t>(next - first_windows_.begin()) - 1;
  const Segment& segment = segments_[index];
  const std::int64_t windows = first_windows_[index + 1] - first_windows_[index];
  const auto room = static_cast<std::uint64_t>(segment.size() - 1 - windows * context_);
  const auto offset = static_cast<std::int64_t>(shift % (room + 1));
  return segment.begin + (window - first_windows_[index]) * context_ + offset;
}

}  // namespace isobath
