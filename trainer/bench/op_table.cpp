#include "trainer/bench/op_table.hpp"

#include <algorithm>

namespace isobath {
namespace {

/// The ledger counts by category and direction, in which one op alone multiplies.
bool is_product(const std::string& op) { return op == "linear" || op == "attention"; }

OpRow row_of(const OpTime& time, const Ledger& executed, const ClockedSteps& steps, const OpLimits& limits) {
  const double count = static_cast<double>(steps.count);
  OpRow row{.op = time.op, .work = time.work, .direction = time.direction};
  row.calls = static_cast<double>(time.calls) / count;
  row.seconds = time.seconds / count;
  row.share_of_step = time.seconds / steps.seconds;
  if (is_product(row.op)) {
    row.limit = OpLimit::Peak;
    row.share_of_limit = static_cast<double>(executed.of(time.work, time.direction)) / time.seconds / limits.flops;
  } else if (time.bytes > 0) {
    row.limit = OpLimit::Bandwidth;
    row.share_of_limit = static_cast<double>(time.bytes) / time.seconds / limits.bandwidth;
  }
  return row;
}

}  // namespace

std::vector<OpRow> op_table(const OpClock& clock, const Ledger& executed, const ClockedSteps& steps,
                            const OpLimits& limits) {
  std::vector<OpRow> rows;
  double seconds = 0.0;
  for (const OpTime& time : clock.times()) {
    if (time.calls == 0) continue;
    rows.push_back(row_of(time, executed, steps, limits));
    seconds += time.seconds;
  }
  std::ranges::stable_sort(rows, std::greater<>(), &OpRow::seconds);
  OpRow rest{.op = "rest"};
  rest.seconds = (steps.seconds - seconds) / static_cast<double>(steps.count);
  rest.share_of_step = 1.0 - seconds / steps.seconds;
  rows.push_back(rest);
  return rows;
}

}  // namespace isobath
