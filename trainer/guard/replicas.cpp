#include "trainer/guard/replicas.hpp"

#include <algorithm>

#include "data/files/fingerprint.hpp"
#include "parallel/agreement.hpp"
#include "parallel/exchange.hpp"

namespace isobath {
namespace {

/// Ranks whose value is not the one that most have; among equals that of the lowest rank counts.
std::vector<int> odd_ones(const std::vector<std::string>& values) {
  const auto votes = [&](const std::string& value) { return std::count(values.begin(), values.end(), value); };
  const std::string usual = *std::max_element(
      values.begin(), values.end(), [&](const auto& one, const auto& other) { return votes(one) < votes(other); });
  std::vector<int> odd;
  for (std::size_t rank = 0; rank < values.size(); ++rank)
    if (values[rank] != usual) odd.push_back(static_cast<int>(rank));
  return odd;
}

[[noreturn]] void stop(const std::string& what, const std::vector<int>& odd, std::int64_t step, Communicator& ranks) {
  std::string names;
  for (const int rank : odd) names += text(names.empty() ? "" : ", ", rank);
  throw AgreedError(ExitCode::PeerLost,
                    text("after step ", step, " the ", what, " of rank ", names, " are not those of ",
                         ranks.size() == 2 ? "rank 0" : "most ranks",
                         ", bit by bit: memory or arithmetic of a host is not reliable. Start again, without that "
                         "host if it happens again; the run goes on from its last checkpoint"),
                    odd.front(), ranks.rank() == 0 ? Voice::Speaks : Voice::Silent);
}

}  // namespace

std::string hash_of(const Tensor& tensor) {
  const bool is_here = tensor.device().is_cpu();
  const std::vector<float> copy = is_here ? std::vector<float>() : tensor.to_vector<float>();
  const std::span<const float> whole =
      is_here ? std::span(static_cast<const float*>(tensor.raw()), static_cast<std::size_t>(tensor.count()))
              : std::span<const float>(copy);
  return Hasher().update(std::as_bytes(whole)).finish().hex();
}

std::string hash_of(std::span<const double> values) { return Hasher().update(std::as_bytes(values)).finish().hex(); }

void compare_replicas(const std::vector<Replicated>& parts, std::int64_t step, Communicator& ranks) {
  std::string mine;
  for (const Replicated& part : parts) mine += part.hash;
  const std::vector<std::string> all = all_gather_text(ranks, mine);
  std::size_t at = 0;
  for (const Replicated& part : parts) {
    std::vector<std::string> hashes;
    for (const std::string& of_rank : all) hashes.push_back(of_rank.substr(at, part.hash.size()));
    at += part.hash.size();
    if (const std::vector<int> odd = odd_ones(hashes); !odd.empty()) stop(part.name, odd, step, ranks);
  }
}

}  // namespace isobath
