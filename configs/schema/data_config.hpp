#pragma once
// Where tokens come from and how they are split and read.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "configs/schema/checker.hpp"
#include "configs/schema/enum_names.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath {

enum class DataFormat { Auto, Isobath, Llmc, Nanogpt, Megatron };
constexpr auto enum_names(DataFormat) {
  return std::array{EnumName{DataFormat::Auto, "auto"}, EnumName{DataFormat::Isobath, "isobath"},
                    EnumName{DataFormat::Llmc, "llmc"}, EnumName{DataFormat::Nanogpt, "nanogpt"},
                    EnumName{DataFormat::Megatron, "megatron"}};
}

struct DataConfig {
  std::string path;
  std::vector<std::string> sources;
  std::vector<double> weights;
  std::string validation_path;
  DataFormat format = DataFormat::Auto;
  std::int64_t vocabulary = 0;
  double validation_fraction = 0.1;
  std::int64_t validation_block = 8192;
  std::int64_t prefetch = 2;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("path", self.path, anything(), Same,
          "folder made by `isobath prepare`, or a token file; relative to the working directory");
    field("sources", self.sources, not_empty(), Same, "several such paths, mixed by `weights`, instead of `path`");
    field("weights", self.weights, above(0).up_to(1e9), Same,
          "share of the samples that each source gets, in any unit: [3, 1] is three to one");
    field("validation_path", self.validation_path, anything(), Same,
          "tokens for validation; empty: interleaved blocks of `path` are held out");
    field("format", self.format, anything(), Same,
          "token format; auto: told by the header, or by the .idx beside a .bin, and a .bin file without either is "
          "nanogpt");
    field("vocabulary", self.vocabulary, in(0, 1 << 26), Same,
          "size of the vocabulary of a file that does not say it (nanogpt, megatron); 0: read it");
    field("validation_fraction", self.validation_fraction, at_least(0).below(1), Same,
          "share of the tokens of `path` that is held out when validation_path is empty");
    field("validation_block", self.validation_block, at_least(2), Same,
          "tokens of one interleaved held-out block; more than model.context");
    field("prefetch", self.prefetch, in(0, 1024), MayChange, "batches that are read ahead by a thread; 0: none");
  }
  void check(config::Checker& checker) const;
};

}  // namespace isobath
