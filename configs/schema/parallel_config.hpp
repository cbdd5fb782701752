#pragma once
// How training is divided over ranks beyond their shares of the batch.

#include <cstdint>

#include "configs/schema/field_rule.hpp"
#include "configs/schema/system_config.hpp"

namespace isobath {

struct ParallelConfig {
  std::int64_t zero = 0;
  DTypeChoice reduce_dtype = DTypeChoice::F32;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("zero", self.zero, in(0, 2), MayChange,
          "ZeRO stage; 0: every rank holds everything; 1: optimizer moments are divided over the ranks; 2: gradients "
          "too, which are then reduced after every micro-batch");
    field("reduce_dtype", self.reduce_dtype, anything(), MayChange,
          "numbers in which gradients travel; bf16 halves the traffic and sums in f32, in rank order, as f32 does");
  }
};

}  // namespace isobath
