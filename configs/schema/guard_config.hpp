#pragma once
// What is done about a run that goes astray: a loss that jumps, ranks that differ, starts that lead nowhere.

#include <array>
#include <cstdint>

#include "configs/schema/enum_names.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath {

enum class OnSpike { Ignore, Skip, RollBack, Stop };
constexpr auto enum_names(OnSpike) {
  return std::array{EnumName{OnSpike::Ignore, "ignore"}, EnumName{OnSpike::Skip, "skip"},
                    EnumName{OnSpike::RollBack, "roll_back"}, EnumName{OnSpike::Stop, "stop"}};
}

struct GuardConfig {
  OnSpike on_spike = OnSpike::Ignore;
  double spike_z = 6;
  std::int64_t spike_window = 128;
  std::int64_t roll_backs = 10;
  std::int64_t hash_every = 1000;
  std::int64_t max_restarts = 10;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("on_spike", self.on_spike, anything(), MayChange,
          "a step whose loss is a spike changes no weight; then: skip: go on; roll_back: go back to the last "
          "checkpoint and leave out the batches since; stop: end with code 93; ignore: there are no spikes");
    field("spike_z", self.spike_z, at_least(0), MayChange,
          "standard deviations above the mean of the window from which on a loss is a spike");
    field("spike_window", self.spike_window, in(2, 1 << 20), MayChange,
          "losses that the mean is taken over; none is a spike before there are as many");
    field("roll_backs", self.roll_backs, at_least(1), MayChange,
          "times that a run goes back to the same checkpoint before it ends with code 93");
    field("hash_every", self.hash_every, at_least(0), MayChange,
          "steps between two comparisons of what the ranks hold alike, bit by bit: weights, moments unless they are "
          "divided, "
          "recent losses; ranks that differ end with code 79; 0: none");
    field("max_restarts", self.max_restarts, at_least(0), MayChange,
          "starts in a row that find no new step before the run ends with code 93; 0: no limit");
  }
};

}  // namespace isobath
