#include "trainer/guard/replicas.hpp"

#include <algorithm>

#include "data/files/fingerprint.hpp"
#include "parallel/agreement.hpp"
#include "parallel/exchange.hpp"

namespace isobath {
namespace {

std::string hash_of(const Tensor& weights) {
  const std::vector<float> values = weights.device().is_cpu() ? std::vector<float>() : weights.to_vector<float>();
  const std::span<const float> whole = weights.device().is_cpu() ? std::span(static_cast<const float*>(weights.raw()),
                                                                             static_cast<std::size_t>(weights.count()))
                                                                 : std::span<const float>(values);
  return Hasher().update(std::as_bytes(whole)).finish().hex();
}

}  // namespace

void compare_replicas(const Tensor& weights, std::int64_t step, Communicator& ranks) {
  const std::vector<std::string> hashes = all_gather_text(ranks, hash_of(weights));
  const auto votes = [&](const std::string& hash) { return std::count(hashes.begin(), hashes.end(), hash); };
  const std::string usual = *std::max_element(
      hashes.begin(), hashes.end(), [&](const auto& one, const auto& other) { return votes(one) < votes(other); });
  std::string odd;
  int first = -1;
  for (int rank = 0; rank < ranks.size(); ++rank) {
    if (hashes[static_cast<std::size_t>(rank)] == usual) continue;
    odd += text(odd.empty() ? "" : ", ", rank);
    if (first < 0) first = rank;
  }
  if (odd.empty()) return;
  throw AgreedError(ExitCode::PeerLost,
                    text("after step ", step, " the weights of rank ", odd, " are not those of ",
                         ranks.size() == 2 ? "rank 0" : "most ranks",
                         ", bit by bit: memory or arithmetic of a host is not reliable. Start again, without that "
                         "host if it happens again; the run goes on from its last checkpoint"),
                    first, ranks.rank() == 0 ? Voice::Speaks : Voice::Silent);
}

}  // namespace isobath
