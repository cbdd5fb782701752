// Initial values are a function of seed, name and place: how many are drawn at a time does not show.

#include "ops/autograd/parameter.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace isobath {
namespace {

constexpr std::int64_t kPiece = 1 << 20;  // what initialise() draws at a time

std::vector<float> started(Init init, std::int64_t count) {
  Parameter parameter;
  parameter.name = "table";
  parameter.shape = Shape{count};
  parameter.init = init;
  parameter.bind(Tensor::empty(parameter.shape, DType::F32), Tensor::empty(parameter.shape, DType::F32));
  initialise(parameter, 5);
  return parameter.value.to_vector<float>();
}

TEST(Initialise, draws_a_longer_parameter_with_the_same_beginning) {
  const std::vector<float> shorter = started({.deviation = 1.0F}, kPiece + 6),
                           longer = started({.deviation = 1.0F}, 2 * kPiece + 3);
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), longer.begin()));
}

TEST(Initialise, draws_anew_in_every_piece) {
  const std::vector<float> values = started({.deviation = 1.0F}, kPiece + 64);
  EXPECT_FALSE(std::equal(values.begin() + kPiece, values.end(), values.begin()));
  EXPECT_EQ(std::count(values.begin() + kPiece, values.end(), 0.0F), 0);
}

TEST(Initialise, keeps_uniform_values_within_their_bound_around_the_constant) {
  const std::vector<float> values = started({.constant = 2.0F, .bound = 0.5F}, kPiece + 3);
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  EXPECT_GE(*least, 1.5F);
  EXPECT_LE(*most, 2.5F);
  EXPECT_GT(*most - *least, 0.9F);
}

}  // namespace
}  // namespace isobath
