#include "parallel/watch/crash_report.hpp"

#include <algorithm>
#include <ctime>
#include <iomanip>

#include <unistd.h>

#include "ops/core/steady_clock.hpp"

namespace isobath {
namespace {

double seconds_since(std::int64_t time) { return static_cast<double>(nanoseconds_now() - time) * 1e-9; }

std::string rounded(double seconds) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << seconds;
  return out.str();
}

std::string ranks_of(const MissingPeers& missing) {
  std::string out = missing.count == 1 ? "rank" : "ranks";
  for (std::size_t i = 0; i < missing.first.size(); ++i) out += text(i == 0 ? " " : ", ", missing.first[i]);
  const int more = missing.count - static_cast<int>(missing.first.size());
  return more > 0 ? text(out, " and ", more, " more") : out;
}

std::string describe(const CollectiveNote& note) {
  std::string out = text(name_of(note.kind), " ", note.sequence);
  if (note.bytes > 0) out += text(" of ", note.bytes, " bytes of ", name_of(note.dtype));
  if (note.group > 0) out += text(" in group ", note.group);
  if (note.carrier == Carrier::Nccl) out += " over NCCL";
  return out;
}

/// Of the host's collectives the one that runs, which keeps the rank; otherwise NCCL's oldest, for which only its
/// device may be waiting.
const CollectiveNote* running(const std::vector<CollectiveNote>& notes) {
  const CollectiveNote* on_device = nullptr;
  for (const CollectiveNote& note : notes) {
    if (!note.is_running()) continue;
    if (note.carrier == Carrier::Host) return &note;
    if (on_device == nullptr) on_device = &note;
  }
  return on_device;
}

/// How much of the stage a collective took so far, in seconds.
double share_of(const CollectiveNote& note, double waited) {
  if (note.started == 0) return 0;
  const double begun = std::min(seconds_since(note.started), waited);
  return note.finished == 0 ? begun : begun - std::min(seconds_since(note.finished), begun);
}

/// The collective that took more than half of the stage, if one did; otherwise the one that runs, if any.
const CollectiveNote* waited_in(const CrashReport& crash) {
  for (const CollectiveNote& note : crash.collectives)
    if (note.missing.count > 0 && share_of(note, crash.waited) > 0.5 * crash.waited) return &note;
  return running(crash.collectives);
}

std::string in_quotes(const std::string& raw) {
  std::string out = "\"";
  for (const char c : raw) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + '"';
}

std::string age(std::int64_t time) { return time == 0 ? "null" : rounded(seconds_since(time)); }

std::string json_of(const CollectiveNote& note) {
  return text(R"({"sequence": )", note.sequence, R"(, "group": )", note.group, R"(, "by": )",
              in_quotes(name_of(note.carrier)), R"(, "kind": )", in_quotes(name_of(note.kind)), R"(, "bytes": )",
              note.bytes, R"(, "dtype": )", in_quotes(std::string(name_of(note.dtype))), R"(, "enqueued": )",
              age(note.enqueued), R"(, "started": )", age(note.started), R"(, "finished": )", age(note.finished), '}');
}

std::string host() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace

std::string line_of(const CrashReport& crash) {
  if (!crash.have_met)
    return text("rank ", crash.rank, ": MPI has not started within ", rounded(crash.waited),
                " s (watchdog.start_up is ", crash.limit,
                "): another rank never came, or hosts cannot reach each other; look at the output of the other ranks "
                "and at the network that MPI uses");
  std::string out = text("rank ", crash.rank, ": the ", crash.stage, " after step ", crash.step, " takes ",
                         rounded(crash.waited), " s, more than watchdog allows (", crash.limit, " s): ");
  const CollectiveNote* note = waited_in(crash);
  if (note == nullptr) return out + "no collective is under way, so this rank itself is late";
  if (note->carrier == Carrier::Nccl)
    return out + text(describe(*note), ", called ", rounded(seconds_since(note->started)),
                      " s ago, has not ended, and NCCL does not say for whom it waits: for a rank that reports itself "
                      "late, or another collective, or nothing");
  const MissingPeers& missing = note->missing;
  out += missing.count > 0 ? ranks_of(missing) : "nobody";
  if (!note->is_running())
    return out + text(missing.count > 1 ? " were" : " was", " missing in ", describe(*note), ", which took ",
                      rounded(share_of(*note, crash.waited)), " s");
  out += missing.count > 1 ? " are missing in " : " is missing in ";
  return out + text(describe(*note), ", begun ", rounded(seconds_since(note->started)), " s ago");
}

std::string json_of(const CrashReport& crash) {
  std::string out = text(R"({"rank": )", crash.rank, R"(, "host": )", in_quotes(host()), R"(, "process": )", getpid(),
                         R"(, "time": )", std::time(nullptr), R"(, "stage": )", in_quotes(crash.stage), R"(, "step": )",
                         crash.step, R"(, "limit": )", crash.limit, R"(, "waited": )", rounded(crash.waited),
                         R"(, "message": )", in_quotes(line_of(crash)));
  const CollectiveNote* now = running(crash.collectives);
  out += R"(, "running": )" + (now == nullptr ? "null" : json_of(*now));
  const CollectiveNote* late = waited_in(crash);
  const MissingPeers missing = late == nullptr ? MissingPeers{} : late->missing;
  out += R"(, "waited_in": )" + (late == nullptr ? "null" : json_of(*late));
  out += R"(, "missing": [)";
  for (std::size_t i = 0; i < missing.first.size(); ++i) out += text(i == 0 ? "" : ", ", missing.first[i]);
  out += text(R"(], "missing_count": )", missing.count, R"(, "collectives": [)");
  for (std::size_t i = 0; i < crash.collectives.size(); ++i)
    out += (i == 0 ? "\n  " : ",\n  ") + json_of(crash.collectives[i]);
  return out + "]}\n";
}

}  // namespace isobath
