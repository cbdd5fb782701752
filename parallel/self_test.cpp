#include "parallel/self_test.hpp"

namespace isobath {
namespace {

// Above the size from which all_reduce exchanges slices.
constexpr std::size_t kLarge = 16384;

}  // namespace

std::string wrong_sum(double sum, int ranks) {
  const double expected = 0.5 * ranks * (ranks + 1.0);
  if (sum == expected) return "";
  return text("a sum of rank + 1 over ", ranks, " ranks gave ", sum, " instead of ", expected,
              ": the ranks are not connected as they seem, and training would use wrong sums; check the MPI library "
              "and the network between the hosts");
}

void test_sums(Communicator& ranks) {
  for (const std::size_t count : {std::size_t{1}, kLarge}) {
    std::vector<float> values(count, static_cast<float>(ranks.rank() + 1));
    ranks.all_reduce(MutableBuffer::of(values), Reduce::Sum).wait();
    for (const float value : values)
      if (const std::string mistake = wrong_sum(value, ranks.size()); !mistake.empty()) throw PeerError(mistake);
  }
}

}  // namespace isobath
