#include "trainer/metrics/run_log.hpp"

#include <cstdio>

namespace isobath {
namespace {

/// "depth/block-03", "sources/tokens-00": TensorBoard groups by what stands before the slash, and sorts.
std::string numbered(const char* what, std::size_t number) {
  char name[64];
  std::snprintf(name, sizeof name, "%s-%02zu", what, number);
  return name;
}

bool has_any(const std::vector<double>& counts) {
  for (double count : counts)
    if (count > 0) return true;
  return false;
}

}  // namespace

RunLog::RunLog(std::filesystem::path folder, LogPosition position)
    : folder_(std::move(folder)), position_(position), metrics_(folder_ / "metrics.jsonl", position.metrics_bytes) {}

EventFile& RunLog::events() {
  if (!events_) events_ = std::make_unique<EventFile>(folder_, position_.step + 1);
  return *events_;
}

void RunLog::write(const StepReport& r) {
  metrics_.write(r);
  Summary summary;
  summary.scalar("train/loss", r.loss);
  summary.scalar("train/auxiliary", r.auxiliary);
  summary.scalar("train/gradient_norm", r.gradient_norm);
  summary.scalar("train/learning_rate", r.learning_rate);
  summary.scalar("train/tokens", static_cast<double>(r.tokens));
  summary.scalar("speed/tokens_per_second", r.tokens_per_second);
  summary.scalar("speed/share_of_dense_flops", r.dense_flops > 0 ? r.executed_flops / r.dense_flops : 0.0);
  summary.scalar("speed/communication_seconds", r.balance.communication);
  for (std::size_t source = 0; source < r.source_tokens.size(); ++source)
    summary.scalar(numbered("sources/tokens", source), static_cast<double>(r.source_tokens[source]));
  for (std::size_t block = 0; block < r.depth.size(); ++block) {
    summary.scalar(numbered("depth/block", block), r.depth[block]);
    summary.scalar(numbered("gate/block", block), r.gate[block]);
    if (has_any(r.gate_bins[block])) summary.histogram(numbered("gates/block", block), r.gate_bins[block]);
  }
  events().write(r.step, summary);
}

void RunLog::write(const ValidationReport& r) {
  metrics_.write(r);
  Summary summary;
  summary.scalar("validation/" + r.rule, r.loss);
  events().write(r.step, summary);
}

}  // namespace isobath
