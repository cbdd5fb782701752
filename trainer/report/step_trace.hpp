#pragma once
// Where the time of a step went, for a trace viewer (chrome://tracing, Perfetto).

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ops/core/op_clock.hpp"
#include "parallel/communicator.hpp"

namespace isobath {

/// One rank's spans as a JSON array of trace events: complete events (ph "X") with ts and dur in microseconds since
/// `origin` (nanoseconds of the steady clock), the rank as pid, and as tid the row: 0 compute, 1 communication. Ops say
/// which work they did in which direction.
std::string trace_events(const std::vector<Span>& spans, int rank, std::int64_t origin);

/// {"traceEvents": [...]} of all ranks' events, as rank 0 writes it to `path`. Collective; what goes wrong is thrown on
/// every rank.
void write_trace(const std::filesystem::path& path, const std::string& events, Communicator& ranks);

}  // namespace isobath
