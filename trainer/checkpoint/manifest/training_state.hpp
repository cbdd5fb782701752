#pragma once
// Everything beside tensors that a run needs to go on as if it had never stopped. Plain values, equal on every rank.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace isobath {

struct TrainingState {
  std::int64_t step = 0;     ///< optimizer steps done
  std::int64_t tokens = 0;   ///< target tokens seen
  std::int64_t samples = 0;  ///< global sample index of the next sample: independent of the world size
  std::int64_t epoch = 0;    ///< passes over the training split done

  std::uint64_t seed = 0;          ///< key of every random draw
  std::uint64_t shuffle_seed = 0;  ///< key of the data order
  std::uint64_t rng_before = 0;    ///< RNG offset before the last update
  std::uint64_t rng_after = 0;     ///< RNG offset after the last update

  std::int64_t schedule_step = 0;    ///< position in the learning-rate schedule
  double learning_rate = 0;          ///< of the last update
  std::optional<double> loss_scale;  ///< absent in f32 and bf16 training

  std::string config_text;  ///< the resolved configuration, UTF-8
  std::string config_digest;
  std::string dataset_fingerprint;
  std::int64_t metrics_bytes = 0;      ///< length of metrics.jsonl when the checkpoint was taken
  std::map<std::string, double> best;  ///< best value so far by name; infinities and NaN survive

  /// Depth-router statistics, and what else a caller wants to keep: JSON text; comes back compact, with sorted keys.
  std::string router_statistics = "{}";
  std::string extra = "{}";

  bool operator==(const TrainingState&) const = default;
};

}  // namespace isobath
