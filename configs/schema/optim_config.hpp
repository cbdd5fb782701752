#pragma once
// AdamW, its schedule and clipping.

#include <array>
#include <cstdint>

#include "configs/schema/enum_names.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath {

enum class Schedule { Cosine, Constant, WarmupStableDecay };
constexpr auto enum_names(Schedule) {
  return std::array{EnumName{Schedule::Cosine, "cosine"}, EnumName{Schedule::Constant, "constant"},
                    EnumName{Schedule::WarmupStableDecay, "wsd"}};
}

enum class CooldownShape { Sqrt, Linear };
constexpr auto enum_names(CooldownShape) {
  return std::array{EnumName{CooldownShape::Sqrt, "sqrt"}, EnumName{CooldownShape::Linear, "linear"}};
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
  std::int64_t cooldown_steps = 0;
  CooldownShape cooldown_shape = CooldownShape::Sqrt;
  bool decay_embeddings = false;

  /// The step at which the decay ends in a run of `total_steps`.
  std::int64_t decay_end(std::int64_t total_steps) const { return decay_steps == 0 ? total_steps : decay_steps; }
  /// Steps of the cool-down in a run of `total_steps`: a fifth of the run, as in Haegele et al. 2024 (arXiv
  /// 2405.18392).
  std::int64_t cooldown(std::int64_t total_steps) const {
    return cooldown_steps == 0 ? decay_end(total_steps) / 5 : cooldown_steps;
  }

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("learning_rate", self.learning_rate, above(0).up_to(100), Same, "learning rate after warm-up");
    field("min_lr_ratio", self.min_lr_ratio, in(0, 1), Same,
          "rate at the end of the decay, as a share of learning_rate");
    field("beta1", self.beta1, at_least(0).below(1), Same, "decay of the first moment per step");
    field("beta2", self.beta2, at_least(0).below(1), Same, "decay of the second moment per step");
    field("epsilon", self.epsilon, above(0), Same, "added to the square root of the second moment");
    field("weight_decay", self.weight_decay, at_least(0), Same,
          "decoupled decay of matrices, times the learning rate per step; norms and biases never decay");
    field("clip_norm", self.clip_norm, at_least(0), Same, "largest global norm of the gradient; 0: no clipping");
    field("warmup_steps", self.warmup_steps, at_least(0), Same, "steps of linear rise from 0 to learning_rate");
    field("schedule", self.schedule, anything(), Same,
          "course of the learning rate after warm-up; wsd: stable, then a cool-down");
    field("decay_steps", self.decay_steps, at_least(0), Same,
          "step at which the decay reaches its end, warm-up included; the rate stays there; 0: train.steps");
    field("cooldown_steps", self.cooldown_steps, at_least(0), Same,
          "last steps of the decay of wsd, in which the rate falls; 0: a fifth of them all");
    field("cooldown_shape", self.cooldown_shape, anything(), Same,
          "how the rate falls with the share s of the cool-down; sqrt: by sqrt(s), linear: by s");
    field("decay_embeddings", self.decay_embeddings, anything(), Same, "weight decay acts on embeddings too");
  }
};

}  // namespace isobath
