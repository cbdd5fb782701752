#include "parallel/agreement.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "configs/schema/document/config_error.hpp"
#include "parallel/exchange.hpp"

namespace isobath {
namespace {

// More lines than this say nothing new.
constexpr std::size_t kMostDifferences = 8;

Voice voice_of(const Communicator& ranks, int speaker) {
  return ranks.rank() == speaker ? Voice::Speaks : Voice::Silent;
}

// Names and values, each with a terminating zero byte, which neither contains.
std::string pack(const std::vector<Fact>& facts) {
  std::string packed;
  for (const Fact& fact : facts) {
    packed += fact.name;
    packed += '\0';
    packed += fact.value;
    packed += '\0';
  }
  return packed;
}

std::map<std::string, std::string> unpack(const std::string& packed) {
  std::map<std::string, std::string> facts;
  for (std::size_t at = 0; at < packed.size();) {
    const std::string name = packed.c_str() + at;
    at += name.size() + 1;
    facts[name] = packed.c_str() + at;
    at += facts[name].size() + 1;
  }
  return facts;
}

// The value that most ranks have; among equals that of the lowest rank.
std::string usual(const std::vector<std::string>& values) {
  const auto votes = [&](const std::string& value) { return std::count(values.begin(), values.end(), value); };
  return *std::max_element(values.begin(), values.end(),
                           [&](const std::string& a, const std::string& b) { return votes(a) < votes(b); });
}

struct Difference {
  int rank;
  std::string message;
};

std::vector<Difference> differences(const std::vector<std::map<std::string, std::string>>& all) {
  std::map<std::string, std::vector<std::string>> values;  // by name, then rank
  for (const auto& facts : all)
    for (const auto& [name, value] : facts) values[name];
  for (auto& [name, of_ranks] : values)
    for (const auto& facts : all) of_ranks.push_back(facts.contains(name) ? facts.at(name) : "(absent)");
  std::vector<Difference> found;
  for (const auto& [name, of_ranks] : values) {
    const std::string expected = usual(of_ranks);
    for (std::size_t rank = 0; rank < of_ranks.size(); ++rank)
      if (of_ranks[rank] != expected)
        found.push_back({static_cast<int>(rank), text("rank ", rank, " has ", name, " = ", of_ranks[rank],
                                                      " where most ranks have ", expected)});
  }
  return found;
}

}  // namespace

void agree(Communicator& ranks, const std::vector<Fact>& facts) {
  std::vector<std::map<std::string, std::string>> all;
  for (const std::string& packed : all_gather_text(ranks, pack(facts))) all.push_back(unpack(packed));
  const std::vector<Difference> found = differences(all);
  if (found.empty()) return;
  std::string message = "the ranks do not agree:";
  for (std::size_t i = 0; i < std::min(found.size(), kMostDifferences); ++i) message += "\n  " + found[i].message;
  if (found.size() > kMostDifferences) message += text("\n  and ", found.size() - kMostDifferences, " more");
  message += "\nstart every rank with the same program, configuration, data and settings";
  throw AgreedError(ExitCode::Config, message, found.front().rank, voice_of(ranks, 0));
}

void agree_on_error(Communicator& ranks, const std::optional<RankError>& mine) {
  // The common case costs one small message; texts travel only when there is one.
  std::int32_t first = mine ? ranks.rank() : ranks.size();
  ranks.all_reduce({&first, 1, DType::I32}, Reduce::Min).wait();
  if (first == ranks.size()) return;
  const std::string packed = mine ? text(static_cast<int>(mine->code), ' ', mine->message) : "";
  const std::string error = broadcast_text(ranks, packed, Root{first});
  const auto space = error.find(' ');
  const auto code = static_cast<ExitCode>(std::atoi(error.substr(0, space).c_str()));
  throw AgreedError(code, error.substr(space + 1), first, voice_of(ranks, first));
}

RankError current_rank_error() {
  try {
    throw;
  } catch (const PeerError&) {
    throw;
  } catch (const Error& error) {
    return {error.code(), error.what()};
  } catch (const ConfigError& error) {
    return {ExitCode::Config, error.what()};
  } catch (const std::exception& error) {
    return {ExitCode::Internal, error.what()};
  }
}

}  // namespace isobath
