#include "parallel/flat_layout.hpp"

namespace isobath {
namespace {

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

FlatLayout::FlatLayout(const std::vector<FlatItem>& items, FlatSettings settings)
    : world_size_(settings.world_size), place_(items.size()) {
  require(settings.world_size > 0, "flat layout for ", settings.world_size, " ranks");
  require(settings.bucket_bytes > 0, "buckets of ", settings.bucket_bytes, " bytes");
  const std::int64_t capacity = settings.bucket_bytes / static_cast<std::int64_t>(sizeof(float));
  const std::int64_t multiple = settings.world_size * kFlatAlignment;
  for (std::size_t group = 0; group < kParameterGroups; ++group) {
    groups_[group].begin = total_;
    for (std::size_t item = items.size(); item-- > 0;) {
      if (items[item].group != static_cast<ParameterGroup>(group)) continue;
      const bool opens = buckets_.empty() || groups_[group].begin == total_ ||
                         total_ + items[item].count - buckets_.back().range.begin > capacity;
      if (opens) {
        close_bucket(multiple);
        buckets_.push_back({static_cast<ParameterGroup>(group), {total_, total_}, pieces_.size(), pieces_.size()});
      }
      append(item, items[item]);
    }
    close_bucket(multiple);
    groups_[group].end = total_;
  }
}

void FlatLayout::append(std::size_t item, const FlatItem& what) {
  require(what.count > 0, "parameter ", item, " has no elements");
  place_[item] = pieces_.size();
  pieces_.push_back({item, buckets_.size() - 1, {total_, total_ + what.count}});
  updates_.push_back({pieces_.back().range, what.decay, what.rate});
  total_ = round_up(total_ + what.count, kFlatAlignment);
  buckets_.back().end_piece = pieces_.size();
}

void FlatLayout::close_bucket(std::int64_t multiple) {
  if (buckets_.empty()) return;
  FlatRange& range = buckets_.back().range;
  range.end = total_ = range.begin + round_up(total_ - range.begin, multiple);
}

std::vector<UpdateRange> FlatLayout::update_ranges(ParameterGroup group) const {
  const FlatRange whole = this->group(group);
  std::vector<UpdateRange> ranges;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    if (buckets_[pieces_[i].bucket].group != group) continue;
    const auto& [range, decay, rate] = updates_[i];
    if (ranges.empty() || ranges.back().decay != decay || ranges.back().rate != rate) {
      const std::int64_t begin = range.begin - whole.begin;
      if (!ranges.empty()) ranges.back().range.end = begin;
      ranges.push_back({{begin, begin}, decay, rate});
    }
  }
  if (!ranges.empty()) ranges.back().range.end = whole.count();
  return ranges;
}

}  // namespace isobath
