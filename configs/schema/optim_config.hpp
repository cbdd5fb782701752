#pragma once
// AdamW, its schedule and clipping.

#include <array>
#include <cstdint>

#include "configs/schema/enum_names.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath {

enum class Schedule { Cosine, Constant };
constexpr auto enum_names(Schedule) {
  return std::array{EnumName{Schedule::Cosine, "cosine"}, EnumName{Schedule::Constant, "constant"}};
}

struct OptimConfig {
  double learning_rate = 3e-4;
  double min_lr_ratio = 0.1;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;
  double clip_norm = 1.0;
  std::int64_t warmup_steps = 0;
  Schedule schedule = Schedule::Cosine;
  std::int64_t decay_steps = 0;
  bool decay_embeddings = false;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("learning_rate", self.learning_rate, above(0).up_to(100), Same, "learning rate after warm-up");
    field("min_lr_ratio", self.min_lr_ratio, in(0, 1), Same,
          "rate at the end of the cosine, as a share of learning_rate");
    field("beta1", self.beta1, at_least(0).below(1), Same, "decay of the first moment per step");
    field("beta2", self.beta2, at_least(0).below(1), Same, "decay of the second moment per step");
    field("epsilon", self.epsilon, above(0), Same, "added to the square root of the second moment");
    field("weight_decay", self.weight_decay, at_least(0), Same,
          "decoupled decay of matrices, times the learning rate per step; norms and biases never decay");
    field("clip_norm", self.clip_norm, at_least(0), Same, "largest global norm of the gradient; 0: no clipping");
    field("warmup_steps", self.warmup_steps, at_least(0), Same, "steps of linear rise from 0 to learning_rate");
    field("schedule", self.schedule, anything(), Same, "course of the learning rate after warm-up");
    field("decay_steps", self.decay_steps, at_least(0), Same,
          "step at which the cosine reaches its end, warm-up included; the rate stays there; 0: train.steps");
    field("decay_embeddings", self.decay_embeddings, anything(), Same, "weight decay acts on embeddings too");
  }
};

}  // namespace isobath
