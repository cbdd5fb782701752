#include "trainer/run/route_recorder.hpp"

#include <cstring>
#include <limits>

#include "parallel/agreement.hpp"
#include "trainer/checkpoint/hdf5_trace.hpp"
#include "trainer/routing/replay.hpp"

namespace isobath {
namespace {

/// Entry by entry: step, layer, sample, number of positions, positions.
std::vector<std::int64_t> pack(const RouteTrace& trace) {
  std::vector<std::int64_t> words;
  for (const auto& [key, positions] : trace.positions) {
    for (const std::int64_t word : {key.step, key.layer, key.sample, static_cast<std::int64_t>(positions.size())})
      words.push_back(word);
    words.insert(words.end(), positions.begin(), positions.end());
  }
  return words;
}

void unpack(std::span<const std::byte> bytes, RouteTrace& trace) {
  std::vector<std::int64_t> words(bytes.size() / sizeof(std::int64_t));
  if (!words.empty()) std::memcpy(words.data(), bytes.data(), bytes.size());
  for (auto at = words.begin(); at != words.end();) {
    const RouteKey key{at[0], at[1], at[2]};
    const auto begin = at + 4;
    trace.positions[key].assign(begin, begin + at[3]);
    at = begin + at[3];
  }
}

}  // namespace

RouteRecorder::RouteRecorder(std::int64_t batch, const ModelConfig& model) {
  trace_.batch = batch;
  trace_.length = model.context;
  trace_.layers = model.layers;
}

void RouteRecorder::note(const ModelOutput& output, const RoutingContext& context) {
  for (const LayerRecord& record : output.routed)
    if (!record.route.queries.is_all()) record_route(trace_, record.layer, record.route.queries, context);
}

void RouteRecorder::forget_from(std::int64_t step) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  trace_.positions.erase(trace_.positions.lower_bound({step, kLeast, kLeast}), trace_.positions.end());
}

void RouteRecorder::write(const std::filesystem::path& path, Communicator& ranks) {
  const std::vector<std::int64_t> mine = pack(trace_);
  const auto parts = ranks.gather(std::as_bytes(std::span(mine)), Root{0});
  on_every_rank(ranks, [&] {
    if (ranks.rank() != 0) return;
    for (const auto& part : parts) unpack(part, trace_);
    write_route_trace(path, trace_);
  });
}

}  // namespace isobath
