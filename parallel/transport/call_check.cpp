#include "parallel/transport/call_check.hpp"

#include <algorithm>
#include <vector>

#include "parallel/transport/collectives.hpp"

namespace isobath {
namespace {

std::string describe(const Call& call) {
  constexpr const char* reductions[] = {"sum", "max", "min"};
  const std::string name = name_of(call.kind);
  const std::string data = text(" of ", call.count, ' ', name_of(call.dtype));
  switch (call.kind) {
    case CallKind::AllReduce:
    case CallKind::ReduceScatter:
      return text(name, data, " (", reductions[call.detail], ')');
    case CallKind::AllGather:
      return name + data;
    case CallKind::Broadcast:
      return text(name, data, " from rank ", call.detail);
    case CallKind::Gather:
      return text(name, " at rank ", call.detail);
    default:
      return name;
  }
}

}  // namespace

const char* name_of(CallKind kind) {
  constexpr const char* names[] = {"all_reduce", "reduce_scatter", "all_gather", "broadcast",
                                   "gather",     "barrier",        "split"};
  return names[static_cast<std::size_t>(kind)];
}

void check_calls(Transport& ranks, const Call& mine) {
  const std::int64_t words[] = {static_cast<std::int64_t>(mine.kind), mine.count, static_cast<std::int64_t>(mine.dtype),
                                mine.detail};
  constexpr std::int64_t kWords = std::size(words);
  std::vector<std::int64_t> all(static_cast<std::size_t>(kWords * ranks.size()));
  collectives::all_gather(ranks, {words, kWords, DType::I64}, MutableBuffer::of(all));
  std::vector<Call> calls;
  for (std::size_t i = 0; i < all.size(); i += kWords)
    calls.push_back({static_cast<CallKind>(all[i]), all[i + 1], static_cast<DType>(all[i + 2]), all[i + 3]});
  const auto votes = [&](const Call& call) { return std::count(calls.begin(), calls.end(), call); };
  const Call usual =
      *std::max_element(calls.begin(), calls.end(), [&](const Call& a, const Call& b) { return votes(a) < votes(b); });
  const auto odd = std::find_if(calls.begin(), calls.end(), [&](const Call& call) { return !(call == usual); });
  if (odd == calls.end()) return;
  throw PeerError(text("rank ", odd - calls.begin(), " called ", describe(*odd), " while other ranks called ",
                       describe(usual), "; all ranks must make the same calls in the same order"));
}

}  // namespace isobath
