#include <unordered_map>

#include "data/bpe/bpe_files.hpp"
#include "data/bpe/byte_alphabet.hpp"
#include "data/text/utf8.hpp"
#include "ops/core/error.hpp"
#include "ops/core/files/json.hpp"

namespace isobath {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr std::int64_t kMostTokens = std::int64_t{1} << 24;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw DataError(where + ": " + what +
                  "; only byte-level BPE without normaliser can be read. Other tokenizers: encode " +
                  "with their own library and train on the token files (llm.c, nanoGPT or Megatron format)");
}

bool is_absent(const Json& object, const char* key) { return !object.contains(key) || object.at(key).is_null(); }

bool flag(const Json& object, const char* key, const bool fallback) {
  return is_absent(object, key) ? fallback : object.at(key).get<bool>();
}

std::int32_t number_at(const Json& value, const std::string& where) {
  if (!value.is_number_integer() || value < 0 || value >= kMostTokens)
    refuse(where, "has token number " + value.dump());
  return value.get<std::int32_t>();
}

void read_byte_level(const Json& rule, BpeVocabulary& out, const std::string& where) {
  if (flag(rule, "add_prefix_space", true)) refuse(where, "puts a space before every text (add_prefix_space)");
  if (flag(rule, "use_regex", true)) out.pattern = kGpt2Pattern;
}

// ByteLevel alone cuts by GPT-2's pattern; a sequence of Split and ByteLevel brings its own.
void read_pieces(const Json& rule, BpeVocabulary& out, const std::string& where) {
  if (rule.is_null() || rule.at("type") == "ByteLevel") {
    if (rule.is_null()) refuse(where, "cuts text by no rule (pre_tokenizer is null)");
    if (!flag(rule, "use_regex", true)) refuse(where, "cuts text by no pattern");
    return read_byte_level(rule, out, where);
  }
  const auto is_split_then_bytes = [&] {
    if (rule.at("type") != "Sequence") return false;
    const Json& steps = rule.at("pretokenizers");
    return steps.size() == 2 && steps[0].at("type") == "Split" && steps[1].at("type") == "ByteLevel" &&
           !flag(steps[1], "use_regex", true);
  };
  if (!is_split_then_bytes()) refuse(where, "has the pre-tokenizer " + rule.at("type").dump());
  const Json& split = rule.at("pretokenizers")[0];
  if (split.at("behavior") != "Isolated" || flag(split, "invert", false) || !split.at("pattern").contains("Regex"))
    refuse(where, "cuts text by " + split.dump());
  out.pattern = split.at("pattern").at("Regex").get<std::string>();
  read_byte_level(rule.at("pretokenizers")[1], out, where);
}

std::pair<std::string, std::string> merge_of(const Json& merge, const std::string& where) {
  if (merge.is_array() && merge.size() == 2) return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  const std::string rule = merge.get<std::string>();
  const std::size_t space = rule.find(' ');
  if (space == std::string::npos) refuse(where, "has the merge " + merge.dump());
  return {rule.substr(0, space), rule.substr(space + 1)};
}

void read_model(const Json& model, BpeVocabulary& out, const std::string& where) {
  if (model.value("type", std::string("BPE")) != "BPE") refuse(where, "is a " + model.at("type").dump() + " model");
  if (flag(model, "byte_fallback", false)) refuse(where, "spells unknown characters by byte tokens (byte_fallback)");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!is_absent(model, key) && model.at(key) != "") refuse(where, std::string("marks parts of words (") + key + ")");
  if (flag(model, "ignore_merges", false)) out.whole_pieces = WholePieces::AtOnce;
  std::unordered_map<std::string, std::int32_t> numbers;
  for (const auto& [token, number] : model.at("vocab").get_ref<const Json::object_t&>())
    numbers.emplace(token, number_at(number, where));
  const auto number_of = [&](const std::string& token) {
    const auto found = numbers.find(token);
    if (found == numbers.end()) refuse(where, "merges \"" + token + "\", which has no number");
    return found->second;
  };
  for (const Json& entry : model.at("merges")) {
    const auto [left, right] = merge_of(entry, where);
    out.merges.push_back({number_of(left), number_of(right), number_of(left + right)});
  }
  for (const SpecialToken& special : out.specials) numbers.erase(special.name);
  for (const auto& [token, number] : numbers) {
    if (number >= out.size()) out.tokens.resize(static_cast<std::size_t>(number) + 1);
    out.tokens[static_cast<std::size_t>(number)] = from_byte_alphabet(token, where);
  }
}

void read_added(const Json& added, BpeVocabulary& out, const std::string& where) {
  for (const Json& entry : added) {
    const std::int32_t number = number_at(entry.at("id"), where);
    if (!flag(entry, "special", false)) refuse(where, "adds the token " + entry.at("content").dump() + " to its model");
    out.specials.push_back({number, entry.at("content").get<std::string>()});
    if (number >= out.size()) out.tokens.resize(static_cast<std::size_t>(number) + 1);
  }
}

BpeVocabulary parse(const Json& json, const std::string& where) {
  if (!json.is_object() || !json.contains("model")) refuse(where, "has no model");
  if (!is_absent(json, "normalizer")) refuse(where, "rewrites text before it cuts it (normalizer)");
  BpeVocabulary out;
  if (!is_absent(json, "added_tokens")) read_added(json.at("added_tokens"), out, where);
  read_pieces(json.contains("pre_tokenizer") ? json.at("pre_tokenizer") : Json(), out, where);
  read_model(json.at("model"), out, where);
  out.check(where);
  return out;
}

OrderedJson pieces_json(const BpeVocabulary& vocabulary) {
  OrderedJson bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  if (vocabulary.pattern == kGpt2Pattern) return bytes;
  bytes["use_regex"] = false;
  const OrderedJson split = {
      {"type", "Split"}, {"pattern", {{"Regex", vocabulary.pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  return {{"type", "Sequence"}, {"pretokenizers", OrderedJson::array({split, bytes})}};
}

OrderedJson model_json(const BpeVocabulary& vocabulary) {
  const auto name = [&](std::int32_t number) {
    return to_byte_alphabet(vocabulary.tokens[static_cast<std::size_t>(number)]);
  };
  OrderedJson out = {{"type", "BPE"},
                     {"dropout", nullptr},
                     {"unk_token", nullptr},
                     {"continuing_subword_prefix", nullptr},
                     {"end_of_word_suffix", nullptr},
                     {"fuse_unk", false},
                     {"byte_fallback", false},
                     {"ignore_merges", vocabulary.whole_pieces == WholePieces::AtOnce}};
  // The library's ordered object looks every new key up in a list; an array of pairs written by hand stays linear.
  OrderedJson::object_t vocab;
  for (std::int32_t number = 0; number < vocabulary.size(); ++number)
    if (!vocabulary.tokens[static_cast<std::size_t>(number)].empty()) vocab.emplace_back(name(number), number);
  for (const SpecialToken& special : vocabulary.specials) vocab.emplace_back(special.name, special.number);
  out["vocab"] = std::move(vocab);
  OrderedJson merges = OrderedJson::array();
  for (const BpeMerge& merge : vocabulary.merges) merges.push_back(name(merge.left) + ' ' + name(merge.right));
  out["merges"] = std::move(merges);
  return out;
}

}  // namespace

BpeVocabulary parse_tokenizer_json(const std::string& json, const std::string& where) {
  try {
    return parse(Json::parse(json), where);
  } catch (const Json::exception& error) {
    throw DataError(text(where, ": is no tokenizer.json: ", error.what()));
  }
}

std::string to_tokenizer_json(const BpeVocabulary& vocabulary) {
  OrderedJson added = OrderedJson::array();
  for (const SpecialToken& special : vocabulary.specials)
    added.push_back({{"id", special.number},
                     {"content", special.name},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  const OrderedJson json = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", std::move(added)},
      {"normalizer", nullptr},
      {"pre_tokenizer", pieces_json(vocabulary)},
      {"post_processor", nullptr},
      {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
      {"model", model_json(vocabulary)}};
  return json.dump(1) + '\n';
}

}  // namespace isobath
