#include "data/parts/part_plan.hpp"

#include <algorithm>
#include <utility>

#include "ops/core/error.hpp"

namespace isobath {

std::int64_t Part::bytes() const {
  std::int64_t sum = 0;
  for (const Stretch& stretch : stretches) sum += stretch.end - stretch.begin;
  return sum;
}

PartPlanner::PartPlanner(DocumentUnit unit, TextCuts inside, std::int64_t part_bytes)
    : unit_(unit),
      inside_(inside),
      part_bytes_(part_bytes),
      finder_(unit, inside),
      hasher_(std::make_unique<Hasher>()) {
  require(part_bytes > 0, "parts of ", part_bytes, " bytes");
}

void PartPlanner::begin_text(std::size_t text) {
  finder_ = CutFinder(unit_, inside_);
  stretch_ = {text, 0, 0, StretchEdge::OfText, StretchEdge::OfText};
}

void PartPlanner::take(std::span<const std::byte> block) {
  while (!block.empty()) {
    const std::int64_t room = std::max<std::int64_t>(0, part_bytes_ - gathered_);
    if (room > static_cast<std::int64_t>(block.size())) return add(block);
    const auto cut = finder_.find(block, static_cast<std::size_t>(room));
    if (!cut) return add(block);
    add(block.first(*cut));
    block = block.subspan(*cut);
    close_stretch(StretchEdge::Cut);
    close_part();
  }
}

void PartPlanner::add(std::span<const std::byte> bytes) {
  finder_.pass(bytes);
  hasher_->update(bytes);
  stretch_.end += static_cast<std::int64_t>(bytes.size());
  gathered_ += static_cast<std::int64_t>(bytes.size());
}

void PartPlanner::close_stretch(StretchEdge edge) {
  stretch_.ends = edge;
  if (stretch_.end > stretch_.begin) part_.stretches.push_back(stretch_);
  stretch_ = {stretch_.text, stretch_.end, stretch_.end, edge, StretchEdge::OfText};
}

void PartPlanner::end_text() {
  // What was cut just before its end has an end nevertheless.
  if (stretch_.end == stretch_.begin && stretch_.starts == StretchEdge::Cut) {
    Part& last = part_.stretches.empty() && !done_.empty() ? done_.back() : part_;
    if (!last.stretches.empty() && last.stretches.back().text == stretch_.text)
      last.stretches.back().ends = StretchEdge::OfText;
  }
  close_stretch(StretchEdge::OfText);
  if (gathered_ >= part_bytes_) close_part();
}

void PartPlanner::close_part() {
  if (part_.stretches.empty()) return;
  part_.content = hasher_->finish();
  done_.push_back(std::exchange(part_, {}));
  hasher_ = std::make_unique<Hasher>();
  gathered_ = 0;
}

std::vector<Part> PartPlanner::finish() {
  close_part();
  return std::move(done_);
}

}  // namespace isobath
