#pragma once
// The loop: how long, how large a step, how often it is looked at.

#include <array>
#include <cstdint>
#include <string>

#include "configs/schema/checker.hpp"
#include "configs/schema/enum_names.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath {

/// What backward computes again instead of keeping it from the forward pass.
enum class Recompute { None, Block };
constexpr auto enum_names(Recompute) {
  return std::array{EnumName{Recompute::None, "none"}, EnumName{Recompute::Block, "block"}};
}

struct TrainConfig {
  std::int64_t steps = 1000;
  std::int64_t batch = 64;
  std::int64_t micro_batches = 1;
  std::int64_t log_every = 1;
  Recompute recompute = Recompute::None;
  double bucket_mib = 25;
  std::string start_from;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("steps", self.steps, at_least(0), MayChange,
          "optimizer steps of the whole run; a finished run goes on when it is raised");
    field("batch", self.batch, in(1, 1 << 28), Same, "sequences of one optimizer step over all ranks");
    field("micro_batches", self.micro_batches, at_least(1), MayChange,
          "parts in which a rank computes its share of the batch; more parts need less memory and round differently");
    field("recompute", self.recompute, anything(), MayChange,
          "block: backward runs every block's forward pass again from its input, which needs less memory and gives the "
          "same bits; routes and gates are kept; none: what blocks compute is kept");
    field("log_every", self.log_every, at_least(1), MayChange, "steps between two progress lines");
    field("bucket_mib", self.bucket_mib, above(0).up_to(65536), MayChange,
          "MiB of gradient that are reduced together; another size rounds differently on more than two ranks");
    field("start_from", self.start_from, anything(), Same,
          "checkpoint of another run of the same model, data and batch from which this one branches off, at its step "
          "and with an optim section of its own; empty: from the beginning");
  }
  void check(config::Checker& checker) const;
};

struct EvaluationConfig {
  std::int64_t every = 250;
  std::int64_t windows = 64;
  std::int64_t batch = 0;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("every", self.every, at_least(0), MayChange,
          "steps between two validations during training; 0: only at the end");
    field("windows", self.windows, at_least(1), MayChange,
          "evenly spaced validation windows that are scored during training");
    field("batch", self.batch, in(0, 1 << 28), MayChange,
          "windows per rank in one forward pass; 0: a rank's share of train.batch");
  }
};

}  // namespace isobath
