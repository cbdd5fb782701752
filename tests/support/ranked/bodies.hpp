#pragma once
// Tests as functions of a communicator, so that one text runs on ranks that are threads and on ranks that are
// processes.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "parallel/communicator.hpp"

namespace isobath::test {

struct Body {
  const char* suite;
  const char* name;
  void (*run)(Communicator&);
};

inline std::vector<Body>& bodies() {
  static std::vector<Body> all;
  return all;
}

struct AddBody {
  explicit AddBody(Body body) { bodies().push_back(body); }
};

/// Makes `run` a GoogleTest of its own.
class RankedTest : public testing::Test {
 public:
  explicit RankedTest(std::function<void()> run) : run_(std::move(run)) {}
  void TestBody() override { run_(); }

 private:
  std::function<void()> run_;
};

inline void add_test(const Body& body, const std::string& variant, std::function<void()> run) {
  const std::string name = std::string(body.name) + variant;
  testing::RegisterTest(body.suite, name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                        [run = std::move(run)]() -> testing::Test* { return new RankedTest(run); });
}

}  // namespace isobath::test

/// RANKED_TEST(Suite, name) { ... uses `ranks`, every rank's communicator ... }
#define RANKED_TEST(suite, name)                                                                \
  static void suite##_##name(isobath::Communicator& ranks);                                     \
  static const isobath::test::AddBody suite##_##name##_added{{#suite, #name, &suite##_##name}}; \
  static void suite##_##name([[maybe_unused]] isobath::Communicator& ranks)
