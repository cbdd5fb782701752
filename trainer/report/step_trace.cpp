#include "trainer/report/step_trace.hpp"

#include "ops/core/files/durable.hpp"
#include "ops/core/files/json.hpp"
#include "parallel/agreement.hpp"
#include "parallel/exchange.hpp"
#include "trainer/bench/op_table.hpp"

namespace isobath {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRows[] = {"compute", "communication"};

Json name_event(const char* what, int rank, int row, const std::string& name) {
  return {{"name", what}, {"ph", "M"}, {"pid", rank}, {"tid", row}, {"args", {{"name", name}}}};
}

double microseconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) * 1e-3; }

Json event_of(const Span& span, int rank, std::int64_t origin) {
  return {{"name", span.name},
          {"ph", "X"},
          {"ts", microseconds(span.begin - origin)},
          {"dur", microseconds(span.end - span.begin)},
          {"pid", rank},
          {"tid", static_cast<int>(span.row)},
          {"args", {{"work", name_of(span.work)}, {"direction", name_of(span.direction)}}}};
}

}  // namespace

std::string trace_events(const std::vector<Span>& spans, int rank, std::int64_t origin) {
  Json events = Json::array();
  events.push_back(name_event("process_name", rank, 0, text("rank ", rank)));
  for (int row = 0; row < 2; ++row) events.push_back(name_event("thread_name", rank, row, kRows[row]));
  for (const Span& span : spans) events.push_back(event_of(span, rank, origin));
  return events.dump();
}

void write_trace(const std::filesystem::path& path, const std::string& events, Communicator& ranks) {
  const std::vector<std::string> parts = gather_text(ranks, events);
  on_every_rank(ranks, [&] {
    if (ranks.rank() != 0) return;
    Json all = Json::array();
    for (const std::string& part : parts)
      for (Json& event : Json::parse(part)) all.push_back(std::move(event));
    write_durably(path, Json{{"traceEvents", std::move(all)}, {"displayTimeUnit", "ms"}}.dump());
  });
}

}  // namespace isobath
