#include "data/batches/validation_windows.hpp"

#include <algorithm>
#include <utility>

#include "ops/core/error.hpp"

namespace isobath {

ValidationWindows::ValidationWindows(TokenSplit split, std::int64_t context)
    : split_(std::move(split)), context_(context) {
  require(context >= 1, "a context of ", context, " tokens");
  for (const Segment& segment : split_.segments)
    for (std::int64_t begin = segment.begin; begin + 1 < segment.end; begin += context)
      windows_.push_back({count(), begin, std::min(context, segment.end - 1 - begin)});
  if (windows_.empty())
    throw DataError(text("no validation target: the validation data has ", split_.tokens(),
                         " tokens, a target needs two neighbours; set data.validation_fraction or ",
                         "data.validation_path"));
}

std::int64_t ValidationWindows::targets() const {
  std::int64_t sum = 0;
  for (const Window& window : windows_) sum += window.targets;
  return sum;
}

ValidationWindows ValidationWindows::evenly_spaced(std::int64_t wanted) const {
  require(wanted >= 1, wanted, " validation windows");
  ValidationWindows out = *this;
  if (wanted >= count()) return out;
  out.windows_.clear();
  // The middle window of each of `wanted` equal shares.
  for (std::int64_t i = 0; i < wanted; ++i) {
    const IndexRange share = share_of(count(), {i, wanted});
    out.windows_.push_back(windows_[static_cast<std::size_t>((share.begin + share.end) / 2)]);
  }
  return out;
}

Batch ValidationWindows::batch(IndexRange range, Device device) const {
  require(range.begin >= 0 && range.begin <= range.end && range.end <= count(), "validation windows [", range.begin,
          ", ", range.end, ") of ", count());
  HostBatch batch;
  batch.context = context_;
  for (std::int64_t i = range.begin; i < range.end; ++i) {
    const Window& window = windows_[static_cast<std::size_t>(i)];
    batch.add(*split_.stream, window.id, window.begin, window.targets);
  }
  return batch.to(device);
}

}  // namespace isobath
