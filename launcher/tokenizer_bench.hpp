#pragma once
#include <string>

#include "ops/core/error.hpp"

namespace isobath {

struct TokenizerBenchArguments {
  std::string vocabulary, text;  ///< files
};

/// Encodes the whole text five times in one thread, each time as a new process would, and prints seconds, MB/s of the
/// median and the number of tokens as a line of JSON. Throws DataError.
ExitCode bench_tokenizer(const TokenizerBenchArguments& arguments);

}  // namespace isobath
