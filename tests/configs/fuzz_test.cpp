// Whatever is in a file or on the command line, the answer is a configuration or a ConfigError, never anything else.

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/yaml/run_config.hpp"

namespace isobath {
namespace {

const std::string kValid =
    "# a run\n"
    "name: \"fuzz # one\"\n"
    "seed: 3\n"
    "model: {layers: 2, width: 64, heads: 4, dropout: 0.1}\n"
    "depth:\n"
    "  policy: mixture_of_depths\n"
    "  mixture_of_depths:\n"
    "    capacity: 0.125\n"
    "    predictor: true\n"
    "data:\n"
    "  path: 'datasets/x'\n"
    "  format: auto\n"
    "optim:\n"
    "  learning_rate: 3e-4\n"
    "  decay_steps: 1e3\n"
    "train: {steps: 100, batch: 8}\n";

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

/// What gives a YAML parser trouble, and what gives a number parser trouble.
std::string fragment(Random& random) {
  static const std::vector<std::string> kFragments{"{",
                                                   "}",
                                                   "[",
                                                   "]",
                                                   ":",
                                                   ": ",
                                                   "- ",
                                                   "?",
                                                   "? ",
                                                   "&a ",
                                                   "*a",
                                                   "<<: *a",
                                                   "!!int ",
                                                   "!<",
                                                   "|\n",
                                                   ">\n",
                                                   "\"",
                                                   "'",
                                                   "#",
                                                   " #",
                                                   "\n",
                                                   "\t",
                                                   "\r",
                                                   "\r\n",
                                                   "---\n",
                                                   "...\n",
                                                   "%YAML 1.2\n",
                                                   "~",
                                                   "null",
                                                   ",",
                                                   "\\x",
                                                   "\\u12",
                                                   "010",
                                                   "1e999",
                                                   "nan",
                                                   ".inf",
                                                   "-0",
                                                   "99999999999999999999",
                                                   "\xff",
                                                   "\xc3\xa9",
                                                   "\xef\xbb\xbf",
                                                   "\x04",
                                                   "yes",
                                                   "extends: a.yaml\n",
                                                   "model:\n",
                                                   "  ",
                                                   "@",
                                                   "`",
                                                   "=",
                                                   "seed: 1\n",
                                                   "\xe2\x80\xa8",
                                                   "\x7f",
                                                   "auto"};
  return kFragments[below(random, kFragments.size())];
}

std::string mutated(std::string text, Random& random) {
  const std::size_t edits = 1 + below(random, 3);
  for (std::size_t i = 0; i < edits && !text.empty(); ++i) {
    const std::size_t at = below(random, text.size());
    const std::size_t length = 1 + below(random, 12);
    switch (below(random, 7)) {
      case 0:
        text[at] = static_cast<char>(below(random, 256));
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, fragment(random));
        break;
      case 3:
        text.insert(at, text.substr(below(random, text.size()), length));
        break;
      case 4:
        text.resize(text.size() - below(random, 30) % text.size());
        break;
      case 5:
        text[at] = "0123456789abcdefgh"[below(random, 18)];
        break;
      default:
        text.replace(at, length, fragment(random));
    }
  }
  return text;
}

/// Runs `call`, which may throw ConfigError and nothing else; returns whether it did not.
template <class Call>
bool succeeds(Call&& call) {
  try {
    call();
    return true;
  } catch (const ConfigError& error) {
    EXPECT_FALSE(error.issues().empty());
    for (const config::Issue& issue : error.issues()) EXPECT_FALSE(issue.found.empty());
    return false;
  }
}

TEST(Fuzz, MutatedFilesAreReadOrRefused) {
  ASSERT_TRUE(succeeds([] { parse_run_config(kValid, "a.yaml"); }));
  Random random(20260);
  int good = 0;
  constexpr int kCases = 6000;
  for (int i = 0; i < kCases; ++i) {
    const std::string text = mutated(kValid, random);
    SCOPED_TRACE(text);
    bool read = false;
    ASSERT_NO_THROW(read = succeeds([&] {
                      const ResolvedConfig run = parse_run_config(text, "a.yaml");
                      const ResolvedConfig again = parse_run_config(dump(run), "b.yaml");
                      ASSERT_EQ(digest_text(run.config, config::DigestOf::Everything),
                                digest_text(again.config, config::DigestOf::Everything));
                    }));
    good += read ? 1 : 0;
  }
  EXPECT_GT(good, kCases / 50) << "mutations so violent that nothing but syntax errors is tested";
  EXPECT_LT(good, kCases * 9 / 10);
}

TEST(Fuzz, HeapsOfFragmentsAreReadOrRefused) {
  Random random(7);
  for (int i = 0; i < 4000; ++i) {
    std::string text;
    for (std::size_t parts = below(random, 40); parts > 0; --parts) text += fragment(random);
    SCOPED_TRACE(text);
    ASSERT_NO_THROW(succeeds([&] { parse_run_config(text, "a.yaml"); }));
  }
}

TEST(Fuzz, OverridesAreAppliedOrRefused) {
  Random random(11);
  for (int i = 0; i < 4000; ++i) {
    std::string text = below(random, 2) == 0 ? "train.steps=5" : "model={layers: 3}";
    text = mutated(text, random);
    SCOPED_TRACE(text);
    ASSERT_NO_THROW(succeeds([&] { parse_run_config(kValid, "a.yaml", {text}); }));
  }
}

}  // namespace
}  // namespace isobath
