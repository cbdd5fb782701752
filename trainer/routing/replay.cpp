#include "trainer/routing/replay.hpp"

namespace isobath {

RowSet ReplayChoice::choose(int layer, const Tensor& scores, const RoutingContext& context) const {
  const std::vector<std::int64_t> samples = context.samples.to_vector<std::int64_t>();
  std::vector<std::int32_t> rows;
  for (std::size_t s = 0; s < samples.size(); ++s) {
    const auto found = trace_.positions.find({context.step, layer, samples[s]});
    if (found == trace_.positions.end())
      throw DataError(text("route trace: no entry for step ", context.step, ", block ", layer, ", sample ", samples[s],
                           "; record the trace with the same seed, data and batch"));
    for (const std::int32_t position : found->second)
      rows.push_back(static_cast<std::int32_t>(static_cast<std::int64_t>(s) * context.length) + position);
  }
  return RowSet::from_rows(rows, context.batch, context.length, scores.device());
}

void record_route(RouteTrace& trace, int layer, const RowSet& rows, const RoutingContext& context) {
  const std::vector<std::int64_t> samples = context.samples.to_vector<std::int64_t>();
  const std::vector<std::int32_t> positions = rows.positions().to_vector<std::int32_t>();
  const std::vector<std::int32_t> offsets = rows.offsets().to_vector<std::int32_t>();
  for (std::size_t s = 0; s < samples.size(); ++s)
    trace.positions[{context.step, layer, samples[s]}].assign(positions.begin() + offsets[s],
                                                              positions.begin() + offsets[s + 1]);
}

}  // namespace isobath
