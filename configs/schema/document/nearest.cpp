#include "configs/schema/document/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace isobath::config {
namespace {

/// Longer words are no misspelling of a key, and the table below is quadratic.
constexpr std::size_t kLongestWord = 64;

std::pair<std::string, std::string> split(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return {"", std::string(path)};
  return {std::string(path.substr(0, dot)), std::string(path.substr(dot + 1))};
}

/// "lr" stands for learning_rate.
std::string initials(std::string_view key) {
  std::string text;
  for (std::size_t i = 0; i < key.size(); ++i)
    if (i == 0 || key[i - 1] == '_') text += key[i];
  return text;
}

std::string join(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(last, row);
  }
  return last[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  if (word.size() > kLongestWord) return "";
  std::string best;
  std::size_t least = (word.size() < 4 ? 1 : std::max<std::size_t>(2, word.size() / 3)) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least && distance < std::max(word.size(), candidate.size())) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string suggest_key(std::string_view path, const std::vector<std::string>& known) {
  const auto [section, key] = split(path);
  std::vector<std::string> siblings, namesakes, all_keys;
  for (const std::string& candidate : known) {
    const auto [its_section, its_key] = split(candidate);
    if (its_section == section) siblings.push_back(its_key);
    if (its_key == key) namesakes.push_back(candidate);
    all_keys.push_back(its_key);
  }
  std::string sibling = nearest(key, siblings);
  if (sibling.empty() && key.size() > 1)
    for (const std::string& candidate : siblings)
      if (initials(candidate) == key) sibling = candidate;
  if (!sibling.empty() && (namesakes.empty() || edit_distance(key, sibling) == 1))
    return "did you mean " + (section.empty() ? sibling : section + "." + sibling) + "?";
  if (!namesakes.empty()) return "did you mean " + join(namesakes, " or ") + "?";
  if (const std::string meant = nearest(key, all_keys); !meant.empty()) {
    const auto at = std::find(all_keys.begin(), all_keys.end(), meant) - all_keys.begin();
    return "did you mean " + known[static_cast<std::size_t>(at)] + "?";
  }
  return (section.empty() ? "known keys: " : "known keys of " + section + ": ") + join(siblings, ", ");
}

}  // namespace isobath::config
