#pragma once
// How long a rank may be silent before the job is ended.

#include "configs/schema/field_rule.hpp"

namespace isobath {

struct WatchdogConfig {
  double start_up = 1800;
  double first_step = 1800;
  double step = 900;
  double checkpoint = 3600;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("start_up", self.start_up, at_least(0), MayChange,
          "seconds for MPI to start, and from there to the first step, a checkpoint's loading included; 0: no limit, "
          "here "
          "as below");
    field("first_step", self.first_step, at_least(0), MayChange, "seconds for the first step after a start");
    field("step", self.step, at_least(0), MayChange, "seconds for a step, or for one pass of a validation");
    field("checkpoint", self.checkpoint, at_least(0), MayChange, "seconds for a save that the ranks wait for");
  }
};

}  // namespace isobath
