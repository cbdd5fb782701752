#pragma once
// Where tokens come from and how they are split and read.

#include <array>
#include <cstdint>
#include <string>

#include "configs/schema/enum_names.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath {

enum class DataFormat { Auto, Isobath, Llmc, Nanogpt };
constexpr auto enum_names(DataFormat) {
  return std::array{EnumName{DataFormat::Auto, "auto"}, EnumName{DataFormat::Isobath, "isobath"},
                    EnumName{DataFormat::Llmc, "llmc"}, EnumName{DataFormat::Nanogpt, "nanogpt"}};
}

struct DataConfig {
  std::string path;
  std::string validation_path;
  DataFormat format = DataFormat::Auto;
  std::int64_t vocabulary = 0;
  double validation_fraction = 0.1;
  std::int64_t validation_block = 8192;
  std::int64_t prefetch = 2;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("path", self.path, not_empty(), Same,
          "folder made by `isobath prepare`, or a token file; relative to the working directory");
    field("validation_path", self.validation_path, anything(), Same,
          "tokens for validation; empty: interleaved blocks of `path` are held out");
    field("format", self.format, anything(), Same,
          "token format; auto: told by the header, and a .bin file without one is nanogpt");
    field("vocabulary", self.vocabulary, in(0, 1 << 26), Same,
          "size of the vocabulary of a file that does not say it (nanogpt); 0: read it");
    field("validation_fraction", self.validation_fraction, at_least(0).below(1), Same,
          "share of the tokens of `path` that is held out when validation_path is empty");
    field("validation_block", self.validation_block, at_least(2), Same,
          "tokens of one interleaved held-out block; more than model.context");
    field("prefetch", self.prefetch, in(0, 1024), MayChange, "batches that are read ahead by a thread; 0: none");
  }
};

}  // namespace isobath
