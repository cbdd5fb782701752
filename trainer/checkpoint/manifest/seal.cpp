#include <algorithm>

#include "trainer/checkpoint/manifest/text.hpp"

namespace isobath {
namespace {

constexpr std::string_view kBefore = "{\n \"digest\": \"", kAfter = "\",";
constexpr std::size_t kHex = 32;

}  // namespace

std::string seal(std::string_view object) {
  require(object.size() > 2 && object.front() == '{', "seal: not a JSON object with members");
  const std::string_view members = object.substr(1);
  return text(kBefore, to_hex(digest_of(members)), kAfter, members);
}

bool seal_holds(std::string_view sealed) {
  const std::size_t start = kBefore.size() + kHex + kAfter.size();
  if (sealed.size() < start || !sealed.starts_with(kBefore)) return false;
  const std::string_view hex = sealed.substr(kBefore.size(), kHex), members = sealed.substr(start);
  return sealed.substr(start - kAfter.size(), kAfter.size()) == kAfter && hex == to_hex(digest_of(members));
}

int nesting_depth(std::string_view json) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char character = json[at];
    if (in_string && character == '\\')
      ++at;
    else if (character == '"')
      in_string = !in_string;
    else if (!in_string && (character == '{' || character == '['))
      deepest = std::max(deepest, ++depth);
    else if (!in_string && (character == '}' || character == ']'))
      --depth;
  }
  return deepest;
}

}  // namespace isobath
