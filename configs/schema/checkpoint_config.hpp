#pragma once
// When the state of a run is written and how it is checked before it is read.

#include <array>
#include <cstdint>

#include "configs/schema/enum_names.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath {

enum class VerifyLevel { Size, Full };
constexpr auto enum_names(VerifyLevel) {
  return std::array{EnumName{VerifyLevel::Size, "size"}, EnumName{VerifyLevel::Full, "full"}};
}

struct CheckpointConfig {
  std::int64_t every = 500;
  std::int64_t keep_last = 3;
  bool at_end = true;
  VerifyLevel verify = VerifyLevel::Full;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("every", self.every, at_least(0), MayChange, "steps between two checkpoints; 0: none on a schedule");
    field("keep_last", self.keep_last, at_least(1), MayChange, "newest complete checkpoints that are kept");
    field("at_end", self.at_end, anything(), MayChange, "write one after the last step");
    field("verify", self.verify, anything(), MayChange,
          "before resuming; size: files are present and whole by size; full: every digest as well");
  }
};

}  // namespace isobath
