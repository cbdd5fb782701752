#pragma once
// Reads the files that make_golden.py wrote; it documents their layout.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "support/grad_check.hpp"

namespace isobath::test {

class Golden {
 public:
  /// `name` is one of files/, e.g. "mod_block.txt".
  explicit Golden(const std::string& name) {
    const std::filesystem::path path = std::filesystem::path(__FILE__).parent_path() / "files" / name;
    std::ifstream file(path);
    require(file.good(), "golden file ", path.string(), " cannot be read");
    for (std::string line; std::getline(file, line);)
      if (!line.empty() && line[0] != '#') read_tensor(line, file);
  }

  const std::vector<double>& doubles(const std::string& name) const { return find(name).values; }
  const Shape& shape(const std::string& name) const { return find(name).shape; }
  std::int64_t integer(const std::string& name, std::size_t index = 0) const {
    return static_cast<std::int64_t>(doubles(name).at(index));
  }

  /// An input: every value must be one that f32 holds.
  Leaf leaf(const std::string& name) const {
    Leaf leaf{shape(name), {}};
    for (const double value : doubles(name)) {
      leaf.values.push_back(static_cast<float>(value));
      require(std::isnan(value) || static_cast<double>(leaf.values.back()) == value, name, ": ", value, " is no f32");
    }
    return leaf;
  }
  std::vector<float> floats(const std::string& name) const { return leaf(name).values; }
  Tensor tensor(const std::string& name) const { return Tensor::from(shape(name), floats(name)); }
  std::vector<std::int32_t> integers(const std::string& name) const {
    const std::vector<double>& values = doubles(name);
    return {values.begin(), values.end()};
  }
  /// Names that start with `prefix`, without it.
  std::vector<std::string> names(const std::string& prefix) const {
    std::vector<std::string> found;
    for (const auto& [name, entry] : entries_)
      if (name.starts_with(prefix)) found.push_back(name.substr(prefix.size()));
    return found;
  }

 private:
  struct Entry {
    Shape shape;
    std::vector<double> values;
  };

  static Shape shape_of(const std::vector<std::int64_t>& extents) {
    switch (extents.size()) {
      case 1:
        return {extents[0]};
      case 2:
        return {extents[0], extents[1]};
      default:
        throw InternalError("golden files hold vectors and matrices");
    }
  }

  void read_tensor(const std::string& header, std::istream& file) {
    std::istringstream words(header);
    std::string name;
    std::size_t rank = 0;
    words >> name >> rank;
    std::vector<std::int64_t> extents(rank);
    for (std::int64_t& extent : extents) words >> extent;
    require(!words.fail(), "golden file: header '", header, "'");
    Entry entry{shape_of(extents), {}};
    for (std::int64_t i = 0; i < entry.shape.count(); ++i) {
      std::string word;
      file >> word;
      char* end = nullptr;
      entry.values.push_back(std::strtod(word.c_str(), &end));  // a stream would refuse nan and inf
      require(!word.empty() && *end == '\0', "golden file: value ", i, " of ", name, " is '", word, "'");
    }
    entries_[name] = entry;
  }

  const Entry& find(const std::string& name) const {
    const auto found = entries_.find(name);
    require(found != entries_.end(), "golden file: no tensor ", name);
    return found->second;
  }

  std::map<std::string, Entry> entries_;
};

/// Runs `op` on the named inputs of `golden` with its weights flowing into the output; compares the output with "out"
/// and every gradient with "grad.NAME".
inline void expect_golden(const Golden& golden, const OpUnderTest& op, const std::vector<std::string>& inputs,
                          const std::vector<float>& weights, Bound bound) {
  std::vector<Leaf> leaves;
  for (const std::string& name : inputs) leaves.push_back(golden.leaf(name));
  EXPECT_TRUE(close(value_of(op, leaves), golden.doubles("out"), bound)) << "out";
  const auto gradients = gradients_of(op, leaves, weights);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    EXPECT_TRUE(close(gradients[i], golden.doubles("grad." + inputs[i]), bound)) << "gradient of " << inputs[i];
}

}  // namespace isobath::test
