#include "data/order/permutation.hpp"

#include "ops/core/error.hpp"
#include "ops/core/random.hpp"

namespace isobath {

Permutation::Permutation(std::int64_t count, std::uint64_t key) : count_(static_cast<std::uint64_t>(count)) {
  require(count >= 1 && count <= (std::int64_t{1} << 62), "an order of ", count, " elements");
  while ((std::uint64_t{1} << (2 * half_bits_)) < count_) ++half_bits_;
  for (std::uint64_t& round_key : round_keys_) round_key = key = mix(key + 0x9E3779B97F4A7C15ull);
}

std::int64_t Permutation::operator()(std::int64_t index) const {
  auto word = static_cast<std::uint64_t>(index);
  require(word < count_, "element ", index, " of an order of ", count_);
  // Ends because a bijection's cycle through `index` comes back to it, which is inside.
  do word = encrypt(word);
  while (word >= count_);
  return static_cast<std::int64_t>(word);
}

std::uint64_t Permutation::encrypt(std::uint64_t word) const {
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  std::uint64_t left = word >> half_bits_, right = word & mask;
  for (const std::uint64_t round_key : round_keys_) {
    const std::uint64_t next = left ^ (mix(right ^ round_key) & mask);
    left = right;
    right = next;
  }
  return (left << half_bits_) | right;
}

}  // namespace isobath
