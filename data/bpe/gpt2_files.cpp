#include <unordered_map>

#include "data/bpe/bpe_files.hpp"
#include "data/bpe/byte_alphabet.hpp"
#include "ops/core/error.hpp"
#include "ops/core/files/json.hpp"

namespace isobath {
namespace {

using Numbers = std::unordered_map<std::string, std::int32_t>;

constexpr std::size_t kMostTokens = std::size_t{1} << 24;

Numbers numbers_of(const std::string& encoder, const std::string& where) {
  Numbers out;
  try {
    const auto table = nlohmann::json::parse(encoder);
    for (const auto& [token, number] : table.get_ref<const nlohmann::json::object_t&>()) {
      if (!number.is_number_integer() || number < 0 || number >= kMostTokens)
        throw DataError(text(where, ": the number of \"", token, "\" is ", number.dump()));
      out.emplace(token, number.get<std::int32_t>());
    }
  } catch (const nlohmann::json::exception& error) {
    throw DataError(text(where, ": is no table of tokens: ", error.what()));
  }
  return out;
}

std::int32_t number_of(const Numbers& numbers, const std::string& token, std::size_t line, const std::string& where) {
  const auto found = numbers.find(token);
  if (found == numbers.end())
    throw DataError(text(where, ": line ", line, " merges \"", token, "\", which has no number"));
  return found->second;
}

}  // namespace

BpeVocabulary parse_gpt2_files(const std::string& merges, const std::string& encoder, const std::string& where) {
  const Numbers numbers = numbers_of(encoder, where);
  BpeVocabulary out;
  std::size_t line = 0, begin = 0;
  while (begin < merges.size()) {
    const std::size_t end = std::min(merges.find('\n', begin), merges.size());
    const std::string rule = merges.substr(begin, end - begin);
    begin = end + 1;
    ++line;
    if (rule.empty() || (line == 1 && rule.starts_with("#version"))) continue;
    const std::size_t space = rule.find(' ');
    if (space == std::string::npos || rule.find(' ', space + 1) != std::string::npos)
      throw DataError(text(where, ": line ", line, " is no pair of tokens: ", rule));
    const std::string left = rule.substr(0, space), right = rule.substr(space + 1);
    out.merges.push_back({number_of(numbers, left, line, where), number_of(numbers, right, line, where),
                          number_of(numbers, left + right, line, where)});
  }
  out.tokens.resize(numbers.size());
  for (const auto& [token, number] : numbers) {
    if (static_cast<std::size_t>(number) >= numbers.size())
      throw DataError(text(where, ": token number ", number, " of ", numbers.size(), "; numbers must leave no gap"));
    if (token.starts_with("<|") && token.ends_with("|>"))
      out.specials.push_back({number, token});
    else
      out.tokens[static_cast<std::size_t>(number)] = from_byte_alphabet(token, where);
  }
  std::sort(out.specials.begin(), out.specials.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  out.check(where);
  return out;
}

}  // namespace isobath
